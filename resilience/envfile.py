"""`.env` as text: read as python-dotenv reads it, edited line by line, written so that no crash leaves half of it.

An edit touches the lines of its own names alone. Comments, unknown lines, order, quoting, `export` and line ends of
all others stay as they are, and the result is read again before it counts: it must say exactly what was meant.
"""

import io
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from resilience.errors import ResilienceError

NEW_FILE_MODE = 0o600
"""Of a file that did not exist: it holds keys."""


class EnvFileError(ResilienceError):
    """The text cannot hold what was asked for; the message names the variable, never the value."""


def values_in(text: str) -> dict[str, str]:
    """What the text sets, the last line of a name winning; a name without `=` sets nothing."""
    parsed = dotenv_values(stream=io.StringIO(text, newline=None), interpolate=False)
    return {name: value for name, value in parsed.items() if value is not None}


def edited(text: str, changes: Mapping[str, str | None]) -> str:
    """The text with these names set, or removed where the value is None. Raises EnvFileError."""
    wanted = values_in(text) | {name: value for name, value in changes.items() if value is not None}
    for name, value in changes.items():
        if value is None:
            wanted.pop(name, None)
            text = _without(text, name)
        elif values_in(text).get(name) != value:
            text = _with(text, name, value)
    if values_in(text) != wanted:
        names = ", ".join(changes)
        raise EnvFileError(f"{names}: cannot be written into this file so that it is read back as meant")
    return text


def read(path: Path) -> str:
    """The file's text with its line ends as they are; empty if there is no file. Raises OSError, UnicodeDecodeError."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""


def write(path: Path, text: str, new_file_mode: int = NEW_FILE_MODE) -> None:
    """Replace the file in one step, its mode kept and a link followed. Raises OSError; the old file stands then."""
    content = text.encode()
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.new")
    draft.unlink(missing_ok=True)  # of a process that was killed
    try:
        before: os.stat_result | None = target.stat()
    except FileNotFoundError:
        before = None
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, NEW_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if before is not None:
                with suppress(PermissionError):  # a file of somebody else's becomes ours then
                    os.fchown(descriptor, before.st_uid, before.st_gid)
            os.fchmod(descriptor, new_file_mode if before is None else stat.S_IMODE(before.st_mode))
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(draft, target)  # noqa: PTH105 (the call that the crash tests stop before and after)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def _sync_directory(directory: Path) -> None:
    # Else the new name may be lost with the power, although its bytes are not.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# A binding as python-dotenv takes it apart: what stands before the value, the value, and what follows.
_PARTS = re.compile(
    r"""(?P<head>\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=\#\s]+)[^\S\r\n]*=[^\S\r\n]*)"""
    r"""(?P<value>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\r\n]*?)"""
    r"""(?P<tail>(?:[^\S\r\n]+\#[^\r\n]*|[^\S\r\n]*)(?:\r\n|\n|\r)?)""",
    re.DOTALL,
)


def _with(text: str, name: str, value: str) -> str:
    bindings = _bindings(text)
    last = max((place for place, binding in enumerate(bindings) if binding.key == name), default=None)
    line = None if last is None else _PARTS.fullmatch(bindings[last].original.string)
    for spelling in _spellings(value, line["value"][:1] if line else '"'):
        if last is None or line is None:
            end = "\r\n" if "\r\n" in text else "\n"
            gap = "" if not text or text.endswith(("\n", "\r")) else end
            candidate = f"{text}{gap}{name}={spelling}{end}"
        else:
            before = "".join(binding.original.string for binding in bindings[:last])
            after = "".join(binding.original.string for binding in bindings[last + 1 :])
            candidate = f"{_mark(text)}{before}{line['head']}{spelling}{line['tail']}{after}"
        if values_in(candidate) == values_in(text) | {name: value}:
            return candidate
    raise EnvFileError(f"{name}: this value cannot be written into the file")


def _without(text: str, name: str) -> str:
    kept = []
    for binding in _bindings(text):
        line = binding.original.string
        # A binding begins with the empty lines before it: those stay.
        kept.append(line if binding.key != name else line[: len(line) - len(line.lstrip())])
    return _mark(text) + "".join(kept)


def _spellings(value: str, like: str) -> Iterator[str]:
    """Ways to write a value, first as the line had it; which one is read back right is for the reader to say."""
    if like not in ('"', "'") and re.fullmatch(r"[A-Za-z0-9_.,:/@+-]+", value):
        yield value
    if like == "'" and not re.search(r"['\\\r\n]", value):
        yield f"'{value}'"
    escaped = value.replace("\\", "\\\\")
    for character, letter in (("\n", "n"), ("\r", "r"), ("\t", "t"), ("\v", "v"), ("\f", "f")):
        escaped = escaped.replace(character, f"\\{letter}")
    if not re.search(r"[\"\\$`\r\n]", value):
        yield f'"{value}"'
    elif not re.search(r"['\\\r\n]", value):
        yield f"'{value}'"  # the shell and docker compose leave a dollar sign alone in here
    quoted = escaped.replace('"', '\\"')
    yield f'"{quoted}"'
    yield value


def _bindings(text: str) -> list[Binding]:
    return list(parse_stream(io.StringIO(text, newline="")))


def _mark(text: str) -> str:
    return "\ufeff" if text.startswith("\ufeff") else ""  # the parser drops it
