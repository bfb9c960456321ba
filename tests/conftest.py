"""What a run of all tests says about itself."""

import hypothesis
import pytest

# A busy machine is no fault: hypothesis would fail an example that takes longer than 0.2 s.
hypothesis.settings.register_profile("busy", deadline=None)
hypothesis.settings.load_profile("busy")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The seed of this run's order, as the option that plays it again; a quiet run does not tell it otherwise."""
    seed = config.getoption("randomly_seed", None)
    if seed is not None:
        terminalreporter.write_line(f"order of the tests: --randomly-seed={seed}")
