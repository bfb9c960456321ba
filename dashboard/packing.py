"""A figure as bytes for the chart component (dashboard/chart/), made once for all sessions.

Plotly's JavaScript is the one inside the installed Python package; dashboard/asgi.py serves it at PLOTLY_URL.
"""

from hashlib import blake2s
from pathlib import Path

import orjson
import plotly
import plotly.graph_objects as go

PLOTLY_FILE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
PLOTLY_URL = f"/assets/plotly-{plotly.__version__}.js"


def packed(figure: go.Figure, *, title: str, unit: str, alt: str, group: str, height_px: int) -> bytes:
    """A figure ready to send, once for all sessions.

    title, unit: the caption; alt: what the chart shows, for those who do not see it; group: charts that share
    a time axis.
    """
    content = {
        "figure": figure.to_plotly_json(),
        "title": title,
        "unit": unit,
        "alt": alt,
        "group": group,
        "height": height_px,
        "plotly": PLOTLY_URL,
    }
    body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    mark = blake2s(body, digest_size=8).hexdigest()
    # The mark lets the browser skip a chart that has not changed.
    return b'{"mark":"' + mark.encode() + b'",' + body[1:]
