"""What `make run` starts: simulated providers, the backend service, traffic, the dashboard and the alerts' watcher.

    this process: four providers on loopback, traffic     children: backend (resilience serve), dashboard, watch

No key, no network beyond loopback; everything it writes is in `.run/`.
"""

from resilience.demo.command import demo_command

__all__ = ["demo_command"]
