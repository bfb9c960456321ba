"""Text from a log, made harmless before it is shown.

Log text is shown only through st.code, st.text and st.dataframe, or set as text of a node, never as markup.
What remains are characters that change how text looks without being seen: terminal escapes, control
characters, marks that turn the direction of writing, and characters of no width.
"""

import html
import re

from resilience.events import PROVIDER_NAME

# CSI, OSC (ended by BEL or ST) and two-character escapes: ECMA-48, 5.4 and 8.3.89.
_TERMINAL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -~]?|\x9b[0-?]*[ -/]*[@-~]")
# Control characters but tab, soft hyphen, zero width, bidi marks and isolates, separators, tags, surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_PROVIDER = re.compile(PROVIDER_NAME)

INVALID_NAME = "invalid name"
"""Shown instead of a provider's name that could not have come from the core."""


def inert(text: str, limit: int = 2000) -> str:
    """The text on one line without unseen characters, cut to `limit` characters with a note of the rest."""
    clean = _UNSEEN.sub("", _TERMINAL.sub("", text)).replace("\t", "  ")
    return clean if len(clean) <= limit else f"{clean[:limit]} … +{len(clean) - limit:,} characters"


def chart_text(text: str) -> str:
    """Text for a Plotly label or hover: Plotly reads a subset of HTML, so `&`, `<` and `>` are escaped."""
    return html.escape(inert(text, 200), quote=False)


def provider_label(name: object) -> str:
    """The name if it is one a provider can have, else INVALID_NAME."""
    return name if isinstance(name, str) and _PROVIDER.fullmatch(name) else INVALID_NAME
