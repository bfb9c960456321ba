"""The right half of the Operations page: what the log proves, who did what, and the runbook's checks."""

from datetime import UTC, datetime

import streamlit as st

from dashboard import operating, panels, state
from dashboard.inert import inert
from dashboard.operations import prepared
from dashboard.operations.notes import Level, notes, of_checks, of_problem, of_proof
from dashboard.operations.proof import parsed
from dashboard.operations.proof import proof as proven

SHOWN = 200
CHECKS_OLD_S = 60.0
"""An answer that is older is marked: somebody may have asked before the incident."""


def proof(version: int) -> bool:
    """The proof of the last change, or of the one that a link names; whether something is awaited."""
    st.subheader("Proof from the log", anchor=False)
    claim = parsed(st.query_params.get(prepared.PROOF, ""))
    if claim is None:
        nothing = (
            "After a change, the log's own lines stand here: the change, the first request under it, before and after."
        )
        panels.notes("ops.proof_shown", notes=notes(Level.INFO, [nothing]), role="status")
        return False
    service, extent = state.service(), state.extent(version)
    newest_at = None if extent is None else extent.newest
    found = proven(claim, operating.evidence(version, claim), newest_at, service.settings.stale_s, datetime.now(UTC))
    panels.notes("ops.proof_shown", notes=of_proof(found), role="status")
    if found.overdue and found.evidence.event_at is None:
        st.code("\n".join(inert(path) for path in service.settings.logs), language=None, wrap_lines=True)
    if found.command is not None:
        st.code(found.command, language=None, wrap_lines=True)
    return found.awaited is not None


def audit(version: int) -> None:
    """Who did what, when and why, newest first."""
    st.subheader("Changes, as the log tells them", anchor=False)
    acts = operating.audited(version)
    if not acts:
        st.text("No change in this log.")
        return
    panels.audit("ops.audit_shown", acts=acts[:SHOWN])


def diagnostics(*, reachable: bool, first: bool = False) -> bool:
    """The runbook's checks, asked for by a click; whether the answer is awaited. first: they are what one came for."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.subheader("Diagnostics", width="content", anchor=False)
        checks = state.control().checks
        st.button(
            "Run the runbook's checks",
            key="ops.check",
            on_click=_ask,
            disabled=not reachable,
            type="primary" if first else "secondary",
        )
    held = checks.peek()
    if checks.asking():
        panels.notes("ops.checks_shown", notes=notes(Level.WAITING, ["asking, up to a few seconds …"]), role="status")
        return True
    if held is not None:
        said = of_checks(held.value) if isinstance(held.value, tuple) else of_problem(held.value)
        old = notes(Level.WARNING if held.age_s > CHECKS_OLD_S else Level.INFO, [f"asked {held.age_s:.0f} s ago"])
        panels.notes("ops.checks_shown", notes=(*old, *said), role="status")
    return False


def _ask() -> None:
    state.control().checks.get(1.0)
