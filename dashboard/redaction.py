"""Secrets and addresses taken out of text that leaves the dashboard: the one place through which reports go.

What is recognised here is recognised by its shape: keys, tokens, passwords in addresses, e-mails. It is not the service's
guard and finds no names, telephone numbers or card numbers.
"""

import re

# The log escapes letters of words that the runbook greps for (docs/events.md), inside a key, too; JSON in JSON does so twice.
_ESCAPE = r"\\{1,4}u[0-9a-fA-F]{4}"
_CHARACTER = rf"(?:[A-Za-z0-9_\-]|{_ESCAPE})"
_WORD = rf"(?:[A-Za-z0-9_\-.~+/]|{_ESCAPE})"
_LABEL = rf"(?:[A-Za-z0-9\-]|{_ESCAPE}){{1,63}}"
_RULES: tuple[tuple[str, str], ...] = (
    (r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.{0,8192}?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)", "[PRIVATE_KEY]"),
    # JSON Web Token: RFC 7519, 3.1; its header begins with {" in base64url.
    (rf"\beyJ{_CHARACTER}{{5,}}\.{_CHARACTER}{{5,}}(?:\.{_CHARACTER}*)?", "[JWT]"),
    # RFC 6750, 2.1, and RFC 7617.
    (rf"(?i)\b(bearer|basic)(\s+){_WORD}{{8,}}=*", r"\1\2[TOKEN]"),
    (rf"\b(?:sk|pk|rk)[-_]{_CHARACTER}{{12,}}", "[API_KEY]"),
    (rf"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|hf_|gsk_|xai-|AIza){_CHARACTER}{{10,}}", "[API_KEY]"),
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "[API_KEY]"),
    (
        r"(?i)\b([a-z0-9_\-]{0,40}(?:api[_-]?key|secret|token|passw(?:or)?d|authorization)[\"']{0,2}\s{0,3}[=:]\s{0,3}"
        rf"[\"']{{0,2}})(?!\[|bearer\b|basic\b){_WORD}{{6,}}=*",
        r"\1[SECRET]",
    ),
    (r"\b([a-z][a-z0-9+.\-]{1,20}://)[^\s/:@\"]{0,200}:[^\s/@\"]{1,200}@", r"\1[CREDENTIALS]@"),
    (rf"(?<![A-Za-z0-9._%+\-])(?:[A-Za-z0-9._%+\-]|{_ESCAPE}){{1,64}}@{_LABEL}(?:\.{_LABEL}){{1,8}}", "[EMAIL]"),
)
_PATTERNS = tuple((re.compile(pattern), put) for pattern, put in _RULES)


def redacted(text: str) -> str:
    """The text with a placeholder such as [API_KEY] in the place of each secret and e-mail address."""
    for pattern, put in _PATTERNS:
        text = pattern.sub(put, text)
    return text
