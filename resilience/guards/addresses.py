"""E-mail and IP addresses.

The patterns cannot backtrack: they begin where a run of characters begins, and each repetition is possessive or short and
bounded.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address

_LOCAL = rb"A-Za-z0-9_.!#$%&*+~^\-\xe9"
_EMAIL = re.compile(rb"(?<![%b])[%b]++@[A-Za-z0-9.\-\xe9]++" % (_LOCAL, _LOCAL))
_TOP_LEVEL = re.compile(rb"(?:[A-Za-z\xe9]{2,63}|[xX][nN]--[A-Za-z0-9\-]{2,59})")

_NUMBER = rb"(?:0|[1-9]\d{0,2})"
_IPV4 = re.compile(rb"(?<![\w\xe9.])%b(?:\.%b){3}(?:/\d{1,2})?(?![\w\xe9]|\.\d)" % (_NUMBER, _NUMBER))
_IPV6 = re.compile(rb"(?<![\w\xe9:.])[0-9A-Fa-f]{0,4}+:[0-9A-Fa-f:]++(?:\.\d{1,3}){0,3}+(?:/\d{1,3})?(?![\w\xe9])")
# 9.25.68.80 is a version after one of these words, and in Chrome/91.0.148.17.
_VERSION = re.compile(
    rb"(?i)(?:\b(?:v|ver|versions?|release|build|revision|sections?|chapter|paragraph|clause|firmware)[ :=#]{0,2}|[a-z]/)$"
)
# The networks of IPv4 that are kept for examples: RFC 5737. IPv6's 2001:db8::/32 also stands for real ones; hiding it costs nothing.
_EXAMPLES = frozenset((b"\xc0\x00\x02", b"\xc6\x33\x64", b"\xcb\x00\x71"))
_NOBODYS = frozenset((0, 127, 255))  # IPv4 by its first byte: this host, loopback, masks
_PRIVATE = frozenset((b"10.0.0.0/8", b"172.16.0.0/12", b"192.168.0.0/16"))  # RFC 1918: the whole of them is nobody's


def emails(data: bytes) -> Iterator[tuple[int, int]]:
    """E-mail addresses: a name, @, a domain of two labels or more that ends in letters; not RFC 5322's quoted names."""
    for found in _EMAIL.finditer(data):
        local, _, domain = found[0].partition(b"@")
        start = found.end() - len(domain) - 1 - len(local.lstrip(b".!#$%&*+~^-"))
        labels = domain.rstrip(b".-").split(b".")
        # What follows the last label that can end a domain is the sentence's: "write to a@b.org.They answer".
        if len(labels) < 2 or start == found.end() - len(domain) - 1 or not all(labels):
            continue
        if _TOP_LEVEL.fullmatch(labels[-1]) and local != b"git":  # git@host:path is an address of a repository
            yield start, found.end() - len(domain) + len(domain.rstrip(b".-"))


def ipv6s(data: bytes) -> Iterator[tuple[int, int]]:
    """IPv6 addresses and networks that may belong to somebody: not the loopback, not the unspecified one."""
    for found in _IPV6.finditer(data):
        written = found[0] if found[0].endswith(b"::") else found[0].rstrip(b":")
        number, _, prefix = written.partition(b"/")
        # Names in C++ have letters alone, add::f; slices in Python few digits, 10::2; times and MAC addresses single colons.
        digits = number.translate(None, b":.")
        if (
            len(digits) < 4
            or digits.isalpha()
            or not (b"::" in number or number.count(b":") >= 6)
            or int(prefix or b"0") > 128
        ):
            continue
        try:
            address = IPv6Address(number.decode("ascii"))
        except ValueError:
            continue
        mapped = address.ipv4_mapped
        if _somebodys(mapped.packed) if mapped else int(address) > 1:
            yield found.start(), found.start() + len(written)


def ipv4s(data: bytes) -> Iterator[tuple[int, int]]:
    """IPv4 addresses and networks that may belong to somebody.

    Left alone, since a question makes no sense without them: loopback, unspecified, masks; and the networks kept for examples.
    """
    for found in _IPV4.finditer(data):
        number, _, prefix = found[0].partition(b"/")
        packed = [int(part) for part in number.split(b".")]
        if max(packed) > 255 or int(prefix or b"0") > 32 or not _somebodys(bytes(packed)):
            continue
        if found[0] not in _PRIVATE and not _VERSION.search(data[max(0, found.start() - 16) : found.start()]):
            yield found.span()


def _somebodys(packed: bytes) -> bool:
    return packed[0] not in _NOBODYS and packed[:3] not in _EXAMPLES
