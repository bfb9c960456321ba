"""What a run of all tests says about itself."""

import hypothesis
import pytest

# A busy machine is no fault: hypothesis would fail an example that takes longer than 0.2 s.
hypothesis.settings.register_profile("busy", deadline=None)
hypothesis.settings.load_profile("busy")

LONG = (
    "tests/browser/",
    "tests/resilience/test_chaos.py",
    "tests/resilience/test_fault_table.py",
    "tests/resilience/test_control_",
    "tests/resilience/test_replay_",
    "tests/resilience/test_service_process.py",
    "tests/dashboard/test_alert_samples.py",
    "tests/dashboard/test_console",
    "tests/dashboard/test_incidents.py",
    "tests/dashboard/test_promtool.py",
    "tests/dashboard/test_watch",
)
"""Files that take long: they begin first, else the last of them keeps one worker busy while the others have nothing."""


@pytest.hookimpl(trylast=True)  # after the files have been put into a random order
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, otherwise in the order drawn."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The seed of this run's order, as the option that plays it again; a quiet run does not tell it otherwise."""
    seed = config.getoption("randomly_seed", None)
    if seed is not None:
        terminalreporter.write_line(f"order of the tests: --randomly-seed={seed}")
