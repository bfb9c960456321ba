"""Keys, tokens and passwords, by their shape or by the name in front of them. RE2: linear, whatever the text."""

from collections.abc import Iterator

from resilience.guards.plain import pattern

# RFC 7519, 3.1: the header of a JSON Web Token begins with {" in base64url. Five parts: encrypted (RFC 7516).
_JWT = pattern(rb"\beyJ[\w\-]{5,}\.[\w\-]{5,}(?:\.[\w\-]+)*")

# Tokens whose first letters say whose they are: OpenAI, Anthropic, OpenRouter, Stripe; Twilio; GitHub; GitLab; Slack; Hugging Face;
# Groq; npm; xAI; PyPI; DigitalOcean; Shopify; SendGrid; Google; AWS.
_PREFIXED = pattern(
    rb"\b(?:(?:sk|pk|rk)[\-_][\w\-]{12,}|SK[0-9a-f]{32,}"
    rb"|(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|xapp-|hf_|gsk_|npm_|xai-|pypi-AgE|dop_v1_|shp(?:at|ca|pa|ss)_|ya29\.)[\w\-]{10,}"
    rb"|SG\.[\w\-]{10,}\.[\w\-]{10,}|AIza[\w\-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16,})"
)

_NAME = pattern(rb"[a-z_\-]+")

# RFC 6750, 2.1, and RFC 7617; a value without a digit or sign may be a word: basic understanding.
_SCHEME = pattern(rb"(?i)\b(?:bearer|basic)\s{1,3}([\w\-.~+/]*[0-9+/~][\w\-.~+/]*=*)")

# A name that says that a secret follows. "tokens" is none: LLM logs count them.
_NAMED = pattern(
    rb"(?i)(?:api[_\-]?key|(?:access|account|private|shared|master|encryption|signing)[_\-]?key|secret|token|passw(?:or)?d|passphrase|pwd"
    rb"|authorization)([\"']{0,2}\s{0,3}(?:=>|[=:])\s{0,3})(?:\"([^\"\s\xff]{6,})\"|'([^'\s\xff]{6,})'|([^\s\"'<>,;&(){}\[\]`\xff]{6,}))([(\[]?)"
)
# Values that say there is none, or name a type, a place or the thing itself: token=None, secret: string, password=user_password.
_NO_VALUE = pattern(
    rb"(?i)(?:none|null|true|false|undefined|string|optional|required|[<\[]?redacted[>\]]?|hidden|changeme|example|bearer|basic|digest"
    rb"|[*x.\-_]+|\{.*\}|\$\{.*|\$\(.*|\$[A-Z_]+|%[A-Z_]+%|%s|<[a-z _\-]*>"
    rb"|(?:os|process|self|config|settings|env|args|request|secrets|event|ctx|this)[.\[(].*"
    rb"|[a-z_.]*(?:key|token|secret|password|passwd|pwd))"
)

# user:password@ of RFC 3986's authority; the password alone.
_LOGIN = pattern(rb"\b[A-Za-z][A-Za-z0-9+.\-]*://[^\s/:@\"'<>\xff]*:([^\s/\"'<>\xff]+)@")

_NO_WALL = pattern(rb"[^\xff]+")  # a block may hold placeholders
_KEY_BEGINS, _KEY_ENDS = pattern(rb"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"), b"-----END "


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
        yield from (part.span() for part in _NO_WALL.finditer(data, begins.start(), at))


def prefixed(data: bytes) -> Iterator[tuple[int, int]]:
    """Tokens that are known by their first letters; npm_config_registry is a name."""
    for found in _PREFIXED.finditer(data):
        token = found[0]
        if token[2:3] in b"-_" or not _NAME.fullmatch(token):
            yield found.span()


def logins(data: bytes) -> Iterator[tuple[int, int]]:
    """Passwords in addresses: postgres://app:HERE@host."""
    return (found.span(1) for found in _LOGIN.finditer(data) if not _NO_VALUE.fullmatch(found[1]))


def credentials(data: bytes) -> Iterator[tuple[int, int]]:
    """What stands behind Bearer and Basic."""
    return (found.span(1) for found in _SCHEME.finditer(data) if len(found[1]) >= 8)


def named(data: bytes) -> Iterator[tuple[int, int]]:
    """Values behind a name such as api_key or password."""
    for found in _NAMED.finditer(data):
        group = 2 if found[2] else 3 if found[3] else 4
        value = found[group]
        if group == 4:
            value = value.rstrip(b".:!?\\")
            if found[5] or len(value) < 6:  # password = get_password()
                continue
        # {"page_token": "following"}: a token is never a word, a password may be one.
        word = found[0][:5].lower() == b"token" and _NAME.fullmatch(value)
        if not word and not _NO_VALUE.fullmatch(value):
            yield found.start(group), found.start(group) + len(value)
