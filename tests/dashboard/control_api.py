"""A control API written from its contract alone, on a real loopback socket; it writes the log that a page tails.

Only as much of a service as the page can see: state, changes with versions, refusals, idempotency, a line for each.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    Cause,
    CircuitChanged,
    ConfigChanged,
    Event,
    Origin,
    ProviderInitialized,
    ProvidersInitialized,
    RequestFinished,
    RequestStatus,
    State,
    to_line,
)

BASE = "/api/v53/control"
NAMES = ("openrouter", "anthropic", "deepseek", "openai")
SETTINGS = {
    "METIS_LLM_TIMEOUT_SECONDS": ("45", "s", "a number from 0.1 to 600"),
    "METIS_LLM_MAX_RETRIES": ("3", "", "a whole number from 0 to 20"),
    "METIS_LLM_RETRY_BASE_DELAY": ("1.0", "s", "a number from 0 to 60"),
    "METIS_LLM_CIRCUIT_THRESHOLD": ("3", "", "a whole number from 1 to 1000"),
    "METIS_LLM_CIRCUIT_COOLDOWN_SECONDS": ("60", "s", "a number from 1 to 3600"),
    "METIS_LLM_DEADLINE_SECONDS": ("120", "s", "a number from 1 to 3600"),
    "METIS_LLM_ALL_OPEN": ("fail", "", "fail or probe"),
}
ORDER = "METIS_LLM_PROVIDER_ORDER"
Body = dict[str, Any]


@dataclass
class ControlApi:
    """The service behind the API. log: where its events go, None for nowhere; token: asked for if there is one."""

    log: Path | None = None
    token: str | None = None
    role: str = "operator"
    answers_after_s: float = 0.0
    logs_after_s: float = 0.0
    refuses: str | None = None  # a code, for the next change that is not forced
    order: list[str] = field(default_factory=lambda: list(NAMES))
    settings: dict[str, str] = field(default_factory=lambda: {name: value[0] for name, value in SETTINGS.items()})
    circuits: dict[str, Body] = field(default_factory=dict)
    guards: dict[str, Body] = field(default_factory=dict)
    version: int = 1
    changes: list[Body] = field(default_factory=list)
    seen: list[tuple[str, Body]] = field(default_factory=list)  # changes that were made: path and body
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, token of every request
    _answers: dict[str, tuple[Body, Body]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for name in NAMES:
            self.circuits[name] = _circuit("CLOSED")
        for guard in ("pii", "injection", "grounding"):
            self.guards[guard] = {"enabled": True, "until": None, "actor": None, "reason": None}

    # What a test does behind the page's back

    def open_circuit(self, provider: str, for_s: float = 60) -> None:
        """The circuit opens, in the service and in the log."""
        until = _now() + timedelta(seconds=for_s)
        opened = _circuit("OPEN") | {"cause": "threshold", "open_until": _iso(until), "failures": 3}
        self.circuits[provider] = opened
        self.write(
            CircuitChanged(
                provider=provider,
                from_=State.CLOSED,
                to=State.OPEN,
                cause=Cause.THRESHOLD,
                failures=3,
                open_until=until,
            )
        )

    def serve_request(self, request_id: str, provider: str | None = None, ms: float = 812.0) -> None:
        """One request's lines, answered by the primary, under the present version."""
        name = provider or self.order[0]
        self.write(
            AttemptFinished(
                generation_time_ms=ms,
                request_id=request_id,
                provider=name,
                model=f"{name}-model",
                attempt=1,
                chain_position=self.order.index(name),
                status=AttemptStatus.SUCCESS,
                http_status=200,
                circuit=State.CLOSED,
                config_version=self.version,
            ),
            RequestFinished(
                request_id=request_id,
                status=RequestStatus.SUCCESS,
                provider=name,
                attempts=1,
                fallbacks=0,
                total_ms=ms,
                wasted_ms=0.0,
                config_version=self.version,
            ),
        )

    def set_order(self, order: list[str], actor: str, reason: str) -> None:
        """A change as the API makes it, by somebody else."""
        with self._lock:
            self._change_order(order, actor, reason, "order")

    def write(self, *events: Event) -> None:
        """Lines into the log, in one write."""
        if self.log is None:
            return
        at_s, origin = time.time(), Origin("backend", "host-1", 4711)
        with self.log.open("ab", buffering=0) as file:
            file.write("".join(to_line(event, at_s, origin) for event in events).encode())

    # The API

    def app(self) -> FastAPI:
        """The routes of the contract."""
        app = FastAPI()

        @app.middleware("http")
        async def known(request: Request, call_next: Any) -> Any:
            given = request.headers.get("authorization")
            self.asked.append((request.method, request.url.path.removeprefix(BASE), given))
            if self.token is not None and given != f"Bearer {self.token}":
                return _error(401, "a token is needed", "unauthorised")
            if "origin" in request.headers:
                return _error(403, "no cross-origin use", "cross_origin")
            return await call_next(request)

        @app.get(BASE + "/state")
        def state() -> Body:
            return self.state()

        @app.get(BASE + "/checks")
        def checks() -> Body:
            return {
                "checks": [
                    {"check": "backend", "ok": True, "detail": "up"},
                    {"check": "key openrouter", "ok": False, "detail": "a placeholder"},
                    {"check": "reach openrouter", "ok": None, "detail": "not asked"},
                ]
            }

        @app.post(BASE + "/preview")
        def preview(body: Body) -> JSONResponse:
            return self.preview(body)

        @app.post(BASE + "/{path:path}")
        def change(path: str, body: Body, request: Request) -> JSONResponse:
            return self.change("/" + path, body, request.headers.get("idempotency-key"))

        return app

    def state(self) -> Body:
        """GET /state."""
        names = [*self.order, *(name for name in NAMES if name not in self.order)]
        return {
            "version": self.version,
            "role": self.role,
            "name": "local",
            "order": self.order,
            "primary": self.order[0],
            "providers": [
                {
                    "provider": name,
                    "model": f"{name}-model",
                    "base_url": f"https://{name}.example/v1",
                    "primary": name == self.order[0],
                    "key": "ok",
                    "key_refused_at": None,
                    "circuit": self.circuits[name] if name in self.order else None,
                }
                for name in names
            ],
            "available": list(NAMES),
            "settings": [
                {"name": name, "value": self.settings[name], "default": default, "unit": unit, "rule": rule}
                | {"origin": "default", "fixed": None}
                for name, (default, unit, rule) in SETTINGS.items()
            ],
            "guards": [{"guard": name, "available": True, **guard} for name, guard in self.guards.items()],
            "changes": self.changes[::-1][:50],
            "env_file": {"path": ".env", "problem": None, "at": None},
            "needs_restart": [],
        }

    def preview(self, body: Body) -> JSONResponse:
        """POST /preview."""
        if body["action"] == "order":
            sentences = [f"The next request goes to {body['order'][0]}."]
            warnings = [f"{name} is left out." for name in NAMES if name not in body["order"]]
        elif body["action"] == "settings":
            for name, value in body["settings"].items():
                if value is not None and not _is_number(value):
                    rule = SETTINGS[name][2]
                    return _error(400, f"{name} must be {rule}, got {value!r}", "invalid_value", param=name)
            sentences = [f"{name} becomes {value or 'its default'}." for name, value in body["settings"].items()]
            warnings = []
        else:
            sentences = [f"{body['provider']}'s circuit is {self.circuits[body['provider']]['state']}."]
            warnings = []
        refusals = [{"code": self.refuses, "message": f"refused: {self.refuses}"}] if self.refuses else []
        return JSONResponse({"sentences": sentences, "warnings": warnings, "refusals": refusals})

    def change(self, path: str, body: Body, key: str | None) -> JSONResponse:
        """Any POST that changes something."""
        time.sleep(self.answers_after_s)
        with self._lock:
            if key in self._answers:
                before, answer = self._answers[key]
                if before != body:
                    return _error(422, "this key came with another body", "idempotency_key_reused")
                return JSONResponse(answer, headers={"idempotent-replayed": "true"})
            if self.role != "operator":
                return _error(403, "viewers change nothing", "forbidden")
            reason = body.get("reason")
            if not isinstance(reason, str) or not 1 <= len(reason) <= 200:
                return _error(400, "reason must be 1 to 200 printable characters", "invalid_value", param="reason")
            if body.get("version") != self.version:
                between = [each for each in self.changes[::-1] if each["version"] > body["version"]]
                more = {"version": self.version, "between": between}
                return _error(409, "somebody changed something in between", "stale_version", **more)
            if self.refuses and not body.get("force"):
                return _error(409, f"refused: {self.refuses}", self.refuses, forceable=True)
            actor = "local" if body.get("actor", "local") == "local" else f"{body['actor']} via local"
            answer = self._act(path, body, actor, reason)
            if isinstance(answer, JSONResponse):
                return answer
            self.seen.append((path, body))
            if key is not None:
                self._answers[key] = (body, answer)
            return JSONResponse(answer)

    def _act(self, path: str, body: Body, actor: str, reason: str) -> Body | JSONResponse:
        match path.strip("/").split("/"):
            case ["order"]:
                return self._change_order(body["order"], actor, reason, "order")
            case ["settings"]:
                changes = [
                    [name, self.settings[name], value or SETTINGS[name][0]] for name, value in body["settings"].items()
                ]
                self.settings |= {name: new for name, _, new in changes}
                return self._changed(changes, actor, reason, "settings")
            case ["guards", guard]:
                changes = [[f"guard {guard}", _on(self.guards[guard]["enabled"]), _on(body["enabled"])]]
                until = None if body["enabled"] else _iso(_now() + timedelta(seconds=body.get("for_s", 600)))
                self.guards[guard] = {"enabled": body["enabled"], "until": until, "actor": actor, "reason": reason}
                return self._changed(changes, actor, reason, "guard")
            case ["undo"]:
                undone = next(each for each in self.changes if each["version"] == body["change"])
                [[name, old, _]] = undone["changes"]
                if name == ORDER:
                    return self._change_order(old.split(","), actor, reason, "undo")
                changes = [[name, self.settings[name], old]]
                self.settings[name] = old
                return self._changed(changes, actor, reason, "undo")
            case ["circuits", provider, "reset" | "isolate" | "release" as verb]:
                return self._change_circuit(provider, verb, body, actor, reason)
        return _error(404, "no such path", "not_found")

    def _change_order(self, order: list[str], actor: str, reason: str, kind: str) -> Body:
        changes = [[ORDER, ",".join(self.order), ",".join(order)]]
        self.order = list(order)
        ready: list[Event] = [
            ProviderInitialized(provider=name, model=f"{name}-model", primary=name == order[0]) for name in order
        ]
        return self._changed(changes, actor, reason, kind, *ready, ProvidersInitialized(order=tuple(order)))

    def _changed(self, changes: list[list[str]], actor: str, reason: str, kind: str, *more: Event) -> Body:
        self.version += 1
        at = _iso(_now())
        row = {"version": self.version, "at": at, "actor": actor, "reason": reason, "origin": "api", "kind": kind}
        self.changes.append(row | {"changes": changes, "undoable": kind != "undo", "undoes": None})
        listed = tuple((name, old, new) for name, old, new in changes)
        event = ConfigChanged(version=self.version, actor=actor, reason=reason, origin="api", changes=listed)
        self._later(event, *more)
        return {"version": self.version, "at": at, "request_id": "r", "changes": changes, "warnings": []}

    def _change_circuit(self, provider: str, verb: str, body: Body, actor: str, reason: str) -> Body | JSONResponse:
        before = self.circuits[provider]
        if verb == "release" and before["isolated_until"] is None:
            return _error(409, f"{provider} is not isolated", "not_isolated", forceable=False)
        to, cause = {
            "reset": (State.CLOSED, Cause.MANUAL_RESET),
            "isolate": (State.OPEN, Cause.ISOLATED),
            "release": (State.HALF_OPEN, Cause.RELEASED),
        }[verb]
        until = _now() + timedelta(seconds=body.get("for_s", 1800)) if verb == "isolate" else None
        spelled = None if until is None else _iso(until)
        self.circuits[provider] = _circuit(to) | {"cause": cause, "actor": actor, "reason": reason}
        self.circuits[provider] |= {"open_until": spelled, "isolated_until": spelled}
        at, changes = _iso(_now()), [[f"circuit {provider}", before["state"], str(to)]]
        row = {"version": self.version, "at": at, "actor": actor, "reason": reason, "origin": "api", "kind": "circuit"}
        self.changes.append(row | {"changes": changes, "undoable": False, "undoes": None})
        from_ = State(before["state"])
        self._later(
            CircuitChanged(
                provider=provider,
                from_=from_,
                to=to,
                cause=cause,
                failures=0,
                open_until=until,
                actor=actor,
                request_id=(request_id := f"r{len(self.changes)}"),
            )
        )
        return {"version": self.version, "at": at, "request_id": request_id, "changes": changes, "warnings": []}

    def _later(self, *events: Event) -> None:
        if self.logs_after_s:
            timer = threading.Timer(self.logs_after_s, self.write, events)
            timer.daemon = True
            timer.start()
        else:
            self.write(*events)


@contextlib.contextmanager
def serving(api: ControlApi) -> Iterator[str]:
    """The API on a free port of this machine; the address."""
    server = uvicorn.Server(uvicorn.Config(api.app(), host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def _circuit(state: str) -> Body:
    return {
        "state": str(state),
        "cause": None,
        "since": _iso(_now()),
        "open_until": None,
        "failures": 0,
        "trigger_request_ids": [],
        "actor": None,
        "reason": None,
        "isolated_until": None,
    }


def _error(status: int, message: str, code: str, **more: Any) -> JSONResponse:
    error = {"message": message, "type": "control_error", "param": None, "code": code} | more
    return JSONResponse({"error": error}, status_code=status)


def _is_number(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False


def _on(enabled: bool) -> str:
    return "on" if enabled else "off"


def _now() -> datetime:
    return datetime.now(UTC)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
