"""`.run/backend.pid`: which process serves in this directory, and how to start it again. JSON, one object."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

PIDFILE = Path(".run/backend.pid")

SUPERVISED = "METIS_SUPERVISED"
"""Set to 1 by a program that starts the backend again whenever it ends."""


def state_path(env_file: Path) -> Path:
    """Where control keeps what outlives the process: `.run/control.json`, one of its own for another settings file."""
    of = "" if env_file.name == ".env" else f".{env_file.name.removesuffix('.env').strip('.')}"
    return PIDFILE.parent / f"control{of}.json"


@dataclass(frozen=True, slots=True)
class Backend:
    """A running backend. argv: its whole command line; stop_within_s: how long its end may take; env_file: its settings."""

    pid: int
    argv: tuple[str, ...]
    url: str
    stop_within_s: int
    supervised: bool
    env_file: str = ".env"

    @classmethod
    def of_this_process(cls, url: str, stop_within_s: int, env_file: str = ".env") -> "Backend":
        """The entry for the process that asks."""
        supervised = os.environ.get(SUPERVISED) == "1"
        return cls(os.getpid(), tuple(sys.orig_argv), url, stop_within_s, supervised, env_file)

    def runs(self) -> bool:
        """Whether this very process is alive; a foreign one that was given its number later does not count."""
        return _command_line(self.pid).endswith(" ".join(self.argv[1:])) if self.argv[1:] else False


@contextmanager
def written(backend: Backend, path: Path = PIDFILE) -> Iterator[None]:
    """Keep `backend` in the file for the length of the block. A later process's entry is left alone."""
    write(backend, path)
    try:
        yield
    finally:
        if (entry := read(path)) is not None and entry.pid == backend.pid:
            path.unlink(missing_ok=True)


def write(backend: Backend, path: Path = PIDFILE) -> None:
    """Replace the entry. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{backend.pid}")
    draft.write_text(json.dumps(asdict(backend)) + "\n")
    draft.replace(path)


def read(path: Path = PIDFILE) -> Backend | None:
    """The entry, None without one that can be read."""
    try:
        values = json.loads(path.read_text())
        return Backend(**(values | {"argv": tuple(values["argv"])}))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _command_line(pid: int) -> str:
    try:
        # A process that has ended but was not waited for yet has an empty command line here.
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").replace("\0", " ")
    except (OSError, UnicodeDecodeError):
        pass
    if Path("/proc/self").exists():
        return ""
    found = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return found.stdout.strip()
