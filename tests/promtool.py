"""Where the tests find promtool, Prometheus's own checker of rules: the system's, else one beside this Python.

`python -m tests.promtool` makes sure that there is one, as far as this machine allows: as root on a Debian it takes
promtool out of the distribution's package. The package itself is not installed: that would start a server.
Without one the tests that need it are skipped.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ABSENT = "promtool is not here: as root on Debian, python -m tests.promtool; elsewhere install Prometheus"


def find() -> Path | None:
    """The program, None where there is none."""
    beside = Path(sys.executable).with_name("promtool")
    found = shutil.which("promtool") or (str(beside) if beside.exists() else None)
    return Path(found) if found else None


def run(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """promtool with these arguments and this standard input, to its end; one must be there."""
    program = find()
    assert program is not None
    return subprocess.run([program, *arguments], input=given, capture_output=True, text=True, timeout=120, check=False)


def install() -> Path | None:
    """promtool, fetched if need be; None where none can be had."""
    if (found := find()) or os.geteuid() != 0 or not shutil.which("apt-get"):
        return found
    with tempfile.TemporaryDirectory() as folder:
        try:
            Path(folder).chmod(0o755)  # apt fetches as a user of its own
            _do(folder, "apt-get", "update", "-q")
            _do(folder, "apt-get", "download", "-q", "prometheus")
            (package,) = Path(folder).glob("prometheus_*.deb")
            _do(folder, "dpkg-deb", "--extract", str(package), "whole")
            shutil.copy(Path(folder, "whole", "usr", "bin", "promtool"), Path(sys.executable).with_name("promtool"))
        except (OSError, ValueError, subprocess.SubprocessError) as exc:
            print(f"promtool: {exc}", file=sys.stderr)
    return find()


def _do(folder: str, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, timeout=600, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    program = install()
    print(f"tests of alert rules use {program}" if program else f"tests of alert rules will be skipped: {ABSENT}")
