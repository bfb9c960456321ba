"""All benchmarks, one after another: `make bench`. Each prints ratios of its own run."""

import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run each bench_*.py in a process of its own."""
    here = Path(__file__).parent
    failed = [
        name
        for name in sorted(path.stem for path in here.glob("bench_*.py"))
        if subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], cwd=here.parents[1], check=False).returncode
    ]
    if failed:
        sys.exit(f"did not run through: {', '.join(failed)}")


if __name__ == "__main__":
    main()
