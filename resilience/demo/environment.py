"""The settings of the demo's children: nothing of the user's keys or `.env` takes part.

The backend reads `.env` of the directory as always, but the environment wins over it, so every setting that it
knows is set here.
"""

from collections.abc import Mapping
from pathlib import Path

from resilience.config import CHOICES, KNOWN, NUMBERS
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


def backend_environment(environ: Mapping[str, str], servers: Servers, port: int, log_path: Path) -> dict[str, str]:
    """What the backend gets: simulated providers in the default order, short times, and a supervisor (the demo)."""
    settings = dict.fromkeys(
        (*(number.variable for number in NUMBERS), *CHOICES), ""
    )  # empty: the default, whatever .env says
    settings |= _PACE
    for name, known in KNOWN.items():
        settings[f"METIS_LLM_{name.upper()}_BASE_URL"] = servers.base_url(name)
        settings[f"METIS_LLM_{name.upper()}_MODEL"] = known.model
        settings[f"{name.upper()}_API_KEY"] = "simulated"
    settings |= {
        "METIS_LLM_PROVIDER_ORDER": ",".join(KNOWN),
        "METIS_LLM_LOG_PATH": str(log_path),
        "METIS_HOST": HOST,
        "METIS_PORT": str(port),
        "METIS_SUPERVISED": "1",
    }
    return without_keys(environ) | settings
