"""The command line: `python -m dashboard COMMAND`."""

import gc
import os
from collections.abc import Mapping
from importlib import import_module

import click

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start threads that nobody uses here


class LazyGroup(click.Group):
    """A group that imports a command only when it is asked for: `stats` never loads Streamlit."""

    lazy: Mapping[str, tuple[str, str]] = {
        "acknowledge": ("dashboard.alerting", "acknowledge_command"),
        "alerts": ("dashboard.alerting", "alerts_command"),
        "rules": ("dashboard.rules", "rules_command"),
        "run": ("dashboard.run", "run_command"),
        "silence": ("dashboard.alerting", "silence_command"),
        "stats": ("dashboard.stats", "stats_command"),
        "watch": ("dashboard.watch", "watch_command"),
        "whatif": ("dashboard.whatif_command", "whatif_command"),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """All names, sorted."""
        return sorted(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now."""
        if cmd_name not in self.lazy:
            return None
        module, attribute = self.lazy[cmd_name]
        gc.disable()  # what is imported stays: looking for garbage in it takes a tenth of the start
        command = getattr(import_module(module), attribute)
        gc.enable()
        assert isinstance(command, click.Command)  # noqa: S101 (a wrong entry above)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The dashboard over the event log of a chain of LLM providers."""


if __name__ == "__main__":
    main(prog_name="python -m dashboard")
