"""Which version of the package runs."""

from importlib.metadata import PackageNotFoundError, version


def running_version() -> str:
    """The installed distribution's version; `unknown` when run from a tree that is not installed."""
    try:
        return version("metis-llm-resilience")
    except PackageNotFoundError:
        return "unknown"
