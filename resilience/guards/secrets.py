"""Keys, tokens and passwords, by their shape or by the name in front of them. RE2: linear, whatever the text."""

from collections.abc import Iterator
from typing import Any

import re2


def _compiled(pattern: bytes) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # a byte is a character here
    return re2.compile(pattern, options)


# RFC 7519, 3.1: the header of a JSON Web Token begins with {" in base64url. Five parts: encrypted (RFC 7516).
_JWT = _compiled(rb"\beyJ[\w\-]{5,}\.[\w\-]{5,}(?:\.[\w\-]+)*")

# Tokens whose first letters say whose they are: OpenAI, Anthropic, OpenRouter, Stripe; Twilio; GitHub; GitLab; Slack; Hugging Face;
# Groq; npm; xAI; PyPI; DigitalOcean; Shopify; SendGrid; Google; AWS.
_PREFIXED = _compiled(
    rb"\b(?:(?:sk|pk|rk)[\-_][\w\-]{12,}|SK[0-9a-f]{32}"
    rb"|(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|xapp-|hf_|gsk_|npm_|xai-|pypi-|dop_v1_|shp(?:at|ca|pa|ss)_|ya29\.)[\w\-]{10,}"
    rb"|SG\.[\w\-]{10,}\.[\w\-]{10,}|AIza[\w\-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16})"
)

# RFC 6750, 2.1, and RFC 7617; a value without a digit or sign may be a word: basic understanding.
_SCHEME = _compiled(rb"(?i)\b(?:bearer|basic)\s{1,3}([\w\-.~+/]*[0-9+/~][\w\-.~+/]*=*)")

# A name that says that a secret follows. "tokens" is none: LLM logs count them.
_NAMED = _compiled(
    rb"(?i)(?:api[_\-]?key|(?:access|account|private|shared|master|encryption|signing)[_\-]?key|secret|token|passw(?:or)?d|passphrase|pwd"
    rb"|authorization)([\"']{0,2}\s{0,3}(?:=>|[=:])\s{0,3})(?:\"([^\"\s\xff]{6,})\"|'([^'\s\xff]{6,})'|([^\s\"'<>,;&(){}\[\]`\xff]{6,}))([(\[]?)"
)
# Values that say there is none, or name a type, a place or the thing itself: token=None, secret: string, password=user_password.
_NO_VALUE = _compiled(
    rb"(?i)(?:none|null|true|false|undefined|string|optional|required|[<\[]?redacted[>\]]?|hidden|changeme|example|bearer|basic|digest"
    rb"|[*x.\-_]+|\$.*|%.*|<.*|(?:os|process|self|config|settings|env|args|request|secrets|event|ctx|this)\b.*"
    rb"|[a-z_.]*(?:key|token|secret|password|passwd|pwd))"
)

# user:password@ of RFC 3986's authority; the password alone.
_LOGIN = _compiled(rb"\b[A-Za-z][A-Za-z0-9+.\-]*://[^\s/:@\"'<>\xff]*:([^\s/\"'<>\xff]+)@")

_KEY_BEGINS, _KEY_ENDS = _compiled(rb"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"), b"-----END "


def jwts(data: bytes) -> Iterator[tuple[int, int]]:
    """JSON Web Tokens, signed or encrypted."""
    return (found.span() for found in _JWT.finditer(data))


def private_keys(data: bytes) -> Iterator[tuple[int, int]]:
    """PEM blocks of private keys, the markers included; up to the text's end if it breaks off (RFC 7468)."""
    at = 0
    while begins := _KEY_BEGINS.search(data, at):
        end = data.find(_KEY_ENDS, begins.end())
        closing = data.find(b"-----", end + len(_KEY_ENDS), end + 80) if end >= 0 else -1
        at = closing + 5 if closing >= 0 else len(data)
        yield begins.start(), at


def prefixed(data: bytes) -> Iterator[tuple[int, int]]:
    """Tokens that are known by their first letters."""
    return (found.span() for found in _PREFIXED.finditer(data))


def logins(data: bytes) -> Iterator[tuple[int, int]]:
    """Passwords in addresses: postgres://app:HERE@host."""
    return (found.span(1) for found in _LOGIN.finditer(data) if not _NO_VALUE.fullmatch(found[1]))


def named(data: bytes) -> Iterator[tuple[int, int]]:
    """Values behind a name such as api_key or password, and behind Bearer and Basic."""
    for found in _SCHEME.finditer(data):
        if found.end() - found.start(1) >= 8:
            yield found.span(1)
    for found in _NAMED.finditer(data):
        group = 2 if found[2] else 3 if found[3] else 4
        value = found[group]
        if group == 4:
            value = value.rstrip(b".:!?\\")
            if found[5] or len(value) < 6:  # password = get_password()
                continue
        if not _NO_VALUE.fullmatch(value):
            yield found.start(group), found.start(group) + len(value)
