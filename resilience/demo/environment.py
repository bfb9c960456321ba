"""The settings of the demo's children: nothing of the user's keys or `.env` takes part.

The backend has a settings file of its own, so that changes made while it runs go there and the user's `.env` is
neither read nor written.
"""

from collections.abc import Mapping
from pathlib import Path

from resilience.config import KNOWN
from resilience.envfile import edited
from resilience.simulator.listener import HOST
from resilience.simulator.servers import Servers

# Short, so that an incident of a minute shows all of a circuit's life.
_PACE: Mapping[str, str] = {
    "METIS_LLM_TIMEOUT_SECONDS": "8",
    "METIS_LLM_DEADLINE_SECONDS": "25",
    "METIS_LLM_RETRY_BASE_DELAY": "0.3",
    "METIS_LLM_CIRCUIT_COOLDOWN_SECONDS": "10",
}


def without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without any key or setting of this project's."""
    return {name: value for name, value in environ.items() if not name.startswith("METIS_") and "API_KEY" not in name}


def backend_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the backend gets: nothing that would win over its settings file, and a supervisor (the demo)."""
    return without_keys(environ) | {"METIS_SUPERVISED": "1"}


def dashboard_environment(environ: Mapping[str, str], control_url: str) -> dict[str, str]:
    """What the dashboard gets: no key, and the address of the demo's backend, wherever that listens."""
    return without_keys(environ) | {"METIS_CONTROL_URL": control_url}


def backend_settings(servers: Servers, port: int, log_path: Path) -> str:
    """The text of its settings file: simulated providers in the default order, and short times."""
    settings = {"METIS_LLM_PROVIDER_ORDER": ",".join(KNOWN), **_PACE}
    for name, known in KNOWN.items():
        settings[f"METIS_LLM_{name.upper()}_BASE_URL"] = servers.base_url(name)
        settings[f"METIS_LLM_{name.upper()}_MODEL"] = known.model
        settings[f"{name.upper()}_API_KEY"] = "simulated"
    settings |= {"METIS_LLM_LOG_PATH": str(log_path), "METIS_HOST": HOST, "METIS_PORT": str(port)}
    return edited("# Of the running demo; written anew by each one.\n", settings)
