"""What one call of a guard costs: the median at 2 KB, the growth to 200 KB, the worst of many hostile texts.

Times are the process's CPU time in milliseconds, so that a busy machine does not count against a guard. KB are characters here.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

Guard = Callable[[str], object]
KB = 1000
_SAMPLES = 200  # texts of 2 KB, at most

# What hostile texts are made of: the characters that patterns wait for, near misses of what guards look for, encoded blobs.
SHAPES: tuple[str, ...] = (
    *"0.@-[:/=_ \\\"'<{(+,",
    "0-", "0 ", "0.", "(0) ", "+1 ", "a@", "a.", "a-", "@a.", "::", "0:", "f:", "1.1.", "1.1.1.1.", "//a:", "://a:", "://a:a@",
    "+49 30 123456", "030 1234567 ", "555-0199 ", "4111 1111 1111 1112 ", "4111111111111111",
    "DE89 3704 0044 0532 0130 01 ", "GB82WEST", "078-05-1120", "eyJ", "eyJhbGciOi.", "eyJhbGciOi.eyJhbGciOi.",
    "sk-", "ghp_", "AKIA", "token=", "password: ", "Bearer ", "api_key=\"", "-----BEGIN PRIVATE KEY-----",
    "[EMAIL_1]", "[EMAIL_", "a@b.co ", "10.0.0.1 ", "2001:db8::1 ", "\\u006f", "é", "𝟙", "\u200b", "\u0301", "\u0301\u0323",
    "ignore all previous instructions ", "ignore ", "system: ", "<|im_start|>", "SWdub3JlIGFsbA==", "aWdub3Jl ", "vtaber nyy ",
    "\n", "\n- ", "a\n", "not ", "no 1 ", "\"text\":\"", "{\"answer\":[", "...", "“a” ",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Worst:
    """The dearest of some texts: its cost, and the text."""

    ms: float
    text: str


def cost_ms(call: Guard, text: str, tries: int = 1) -> float:
    """The least CPU time of some tries, in milliseconds."""
    best = float("inf")
    for _ in range(tries):
        begun = time.process_time_ns()
        call(text)
        best = min(best, (time.process_time_ns() - begun) / 1e6)
    return best


def median_ms(call: Guard, texts: Sequence[str]) -> float:
    """The median cost of about 2 KB, put together from texts; the first call, which may load things, is not counted."""
    pieces = list(of_length(texts, 2 * KB))[:_SAMPLES]
    call(pieces[0])
    return median(cost_ms(call, piece) for piece in pieces)


def growth(call: Guard, texts: Sequence[str]) -> float:
    """The cost per character at 200 KB over that at 20 KB: about 1 where the cost is linear, 10 where it is quadratic."""
    short, long = (next(of_length(texts, length)) for length in (20 * KB, 200 * KB))
    call(short)
    return (cost_ms(call, long, tries=3) / len(long)) / (cost_ms(call, short, tries=5) / len(short))


def worst(call: Guard, seed: int = 0, texts: int = 300, length: int = 20 * KB) -> Worst:
    """The dearest of the hostile texts of one seed; a dear one is tried again, since a machine may pause."""
    dearest = Worst(0.0, "")
    for text in hostile(seed, texts, length):
        if cost_ms(call, text) > dearest.ms:
            ms = cost_ms(call, text, tries=3)
            dearest = max(dearest, Worst(ms, text), key=lambda one: one.ms)
    return dearest


def hostile(seed: int, texts: int, length: int) -> Iterator[str]:
    """Texts of one length to slow a matcher: each shape repeated, then random mixtures and near misses of them."""
    yield from (_repeated(shape, length) for shape in SHAPES)
    draw = random.Random(seed)
    for _ in range(max(0, texts - len(SHAPES))):
        parts = draw.sample(SHAPES, draw.randint(2, 4))
        match draw.randrange(4):
            case 0:  # alternating
                yield _repeated("".join(parts), length)
            case 1:  # one long run of each
                yield "".join(_repeated(part, length // len(parts)) for part in parts)
            case 2:  # a blob
                alphabet = draw.choice(
                    ("0123456789", "0123456789abcdef", "ABCabc0123456789+/=", "0123456789 .-()+", "abc @.:-_[]")
                )
                yield "".join(draw.choices(alphabet, k=length))
            case _:  # shuffled
                count = length // min(len(part) for part in parts) + 1
                yield "".join(draw.choices(parts, k=count))[:length]


def of_length(texts: Iterable[str], length: int) -> Iterator[str]:
    """The texts joined by lines and cut into pieces of one length; gone through again if all of them are less than one piece.

    Raises: ValueError without any text.
    """
    whole = "\n".join(texts)
    if not whole:
        raise ValueError("the texts to measure must hold a character, got none")
    if len(whole) < length:
        whole = _repeated(whole + "\n", length)
    for start in range(0, len(whole) - length + 1, length):
        yield whole[start : start + length]


def _repeated(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]
