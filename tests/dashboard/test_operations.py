"""The Operations page's logic: drafts, presets, prepared links, conflicts, the chain, the proof, the audit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from dashboard.control import reading
from dashboard.control.values import Done, Invalid, Preview, Refusal, Refused, Unauthorised, Unreachable
from dashboard.operations import chain, conflicts, drafts, notes, prepared, presets
from dashboard.operations.audit import Act, audit
from dashboard.operations.drafts import CircuitDraft, GuardDraft, OrderDraft, SettingsDraft, UndoDraft, Verb
from dashboard.operations.notes import Level
from dashboard.operations.proof import (
    Claim,
    Evidence,
    First,
    Rate,
    claim,
    own_event,
    parsed,
    proof,
    spelled,
    under_version,
)
from tests.dashboard.control_api import NAMES, ControlApi

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
THRESHOLD = "METIS_LLM_CIRCUIT_THRESHOLD"


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def api() -> ControlApi:
    api = ControlApi()
    api.set_order(["anthropic", "openrouter", "deepseek", "openai"], "other@example.org", "drill")
    return api


# Presets and orders


def test_a_preset_leaves_out_what_is_not_available_and_appends_the_rest() -> None:
    fitted = presets.fitted(
        presets.PRESETS["Cheapest first"], ("anthropic", "openai", "local-llm"), ("local-llm", "openai")
    )

    assert fitted.order == ("anthropic", "openai", "local-llm")
    assert fitted.note == (
        "2 left out, not available: deepseek, openrouter; appended, because the chain has more: local-llm"
    )


def test_the_runbooks_presets_fit_the_runbooks_chain() -> None:
    for order in presets.PRESETS.values():
        assert presets.fitted(order, NAMES, NAMES) == presets.Fitted(order, "")


def test_a_service_without_a_guard_keeps_its_switch_and_says_so(api: ControlApi) -> None:
    state = reading.state(api.state())
    without = replace(state, guards=tuple(replace(guard, available=False) for guard in state.guards))

    assert drafts.warnings(GuardDraft("pii", True), without) == (
        "This service has no pii guard: the switch is kept, no more.",
    )
    assert "not available in this service" in notes.of_guards(without.guards)[0].text
    assert [note.text for note in notes.of_guards(state.guards)] == ["pii: on", "injection: on", "grounding: on"]


@pytest.mark.parametrize(
    "value", [None, 7, [], "", ["openai", "openai"], ["openai", 1], ["<img>"], "openai,nobody", {"openai": 1}]
)
def test_an_order_from_a_browser_is_one_of_known_names_or_none(value: object) -> None:
    assert presets.chosen(value, NAMES) is None
    assert presets.chosen("openai,anthropic", NAMES) == ("openai", "anthropic")


def test_links_prepare_an_action_for_each_provider() -> None:
    found = prepared.links({"openrouter": "OPEN", "invalid name": "OPEN", "anthropic": "CLOSED"})

    assert [link.href for link in found["anthropic"]] == [
        "operations?ops.what=Order&ops.order=anthropic,openrouter",
        "operations?ops.what=Circuit&ops.provider=anthropic&ops.verb=isolate",
    ]
    assert [link.label for link in found["openrouter"]] == ["Reset…"]
    assert "invalid name" not in found


# Drafts


def test_each_draft_has_the_contracts_path_and_body(api: ControlApi) -> None:
    change = reading.state(api.state()).changes[0]
    seen = {"version": 2, "reason": "why", "actor": "local"}

    def asked(draft: drafts.Draft) -> tuple[str, dict[str, Any]]:
        path, body = drafts.request(draft, 2, "why", "local")
        return path, {key: value for key, value in body.items() if key not in seen}

    assert asked(OrderDraft(("openai",))) == ("/order", {"order": ["openai"]})
    assert asked(SettingsDraft(((THRESHOLD, None),))) == ("/settings", {"settings": {THRESHOLD: None}})
    assert asked(CircuitDraft("openai", Verb.RESET)) == ("/circuits/openai/reset", {})
    assert asked(CircuitDraft("openai", Verb.ISOLATE, 60)) == ("/circuits/openai/isolate", {"for_s": 60})
    assert asked(GuardDraft("pii", False)) == ("/guards/pii", {"enabled": False, "for_s": 600})
    assert asked(UndoDraft(change)) == ("/undo", {"change": 2})
    _, forced = drafts.request(OrderDraft(("openai",)), 2, "why", "local", force=True)
    assert forced == {**seen, "order": ["openai"], "force": True}


def test_settings_are_taken_as_typed_and_an_empty_field_changes_nothing(api: ControlApi) -> None:
    state = reading.state(api.state())
    fixed = replace(state, settings=tuple(replace(each, fixed="by the environment") for each in state.settings))
    typed = {THRESHOLD: " 5 ", "METIS_LLM_MAX_RETRIES": "", "METIS_LLM_RETRY_BASE_DELAY": "Default", "OTHER": "1"}

    found = drafts.settings_draft(typed, state)

    assert found.values == ((THRESHOLD, "5"), ("METIS_LLM_RETRY_BASE_DELAY", None))
    assert drafts.settings_draft({THRESHOLD: "3"}, state).values == ()
    assert drafts.settings_draft(typed, fixed).values == ()


def test_the_runbooks_warnings_are_given(api: ControlApi) -> None:
    state = reading.state(api.state())

    assert "120 s" in drafts.warnings(SettingsDraft(((drafts.TIMEOUT, "121"),)), state)[0]
    assert drafts.warnings(SettingsDraft(((drafts.TIMEOUT, "120"),)), state) == ()
    assert drafts.warnings(GuardDraft("pii", False), state) == (
        "Disabling security features reduces protection. Only disable for debugging (runbook §7).",
    )
    assert drafts.warnings(GuardDraft("pii", True), state) == ()
    assert "confirmed healthy" in drafts.warnings(CircuitDraft("openai", Verb.RESET), state)[0]


@pytest.mark.parametrize(
    ("draft", "label"),
    [
        (OrderDraft(("openai", "anthropic")), "Set this order: openai first"),
        (SettingsDraft(((THRESHOLD, "5"),)), "Set 1 setting"),
        (CircuitDraft("openai", Verb.ISOLATE, 1800), "Isolate openai for 30 min"),
        (CircuitDraft("openai", Verb.RELEASE), "Release the circuit of openai"),
        (GuardDraft("pii", False, 90), "Switch pii off for 90 s"),
        (None, "Nothing chosen yet"),
    ],
)
def test_the_button_says_what_it_does(draft: drafts.Draft | None, label: str) -> None:
    assert drafts.label(draft) == label


@pytest.mark.parametrize(
    ("reason", "good"), [("slow", True), ("", False), ("  ", False), ("a\nb", False), ("x" * 201, False)]
)
def test_a_reason_is_short_and_printable(reason: str, good: bool) -> None:
    assert (drafts.reason_fault(reason) is None) is good


# Somebody else


def test_a_form_that_is_being_filled_in_rests_on_the_version_it_was_begun_with() -> None:
    assert conflicts.seen_version(None, 7, dirty=True) == 7
    assert conflicts.seen_version(6, 7, dirty=True) == 6
    assert conflicts.seen_version(6, 7, dirty=False) == 7


def test_what_others_changed_is_spelled_with_who_what_when_and_why(api: ControlApi) -> None:
    changes = reading.state(api.state()).changes

    assert conflicts.since(2, changes) == ()
    text = conflicts.spelled(conflicts.since(1, changes))
    for part in ("version 2", "UTC", "other@example.org", "→ anthropic,openrouter", "(drill)"):
        assert part in text


# The chain


def test_the_chain_says_state_cause_who_and_why(api: ControlApi) -> None:
    api.open_circuit("openrouter")
    api.change(
        "/circuits/deepseek/isolate", {"version": 2, "reason": "bad \u202eanswers", "for_s": 60, "actor": "sre"}, None
    )
    api.order = api.order[:3]

    rows = {row.provider: row for row in chain.from_service(reading.state(api.state()))}

    assert (rows["openrouter"].state, rows["openrouter"].note) == ("OPEN", "3 failures in a row")
    assert rows["deepseek"].isolated
    assert rows["deepseek"].note == "isolated by an operator, by sre via local, “bad answers”"
    assert rows["openai"].state == "UNKNOWN"


# The proof

CONFIG = Claim(8, NOW)
RESET = Claim(8, NOW, "openrouter", Verb.RESET, "req-1")
GOOD = Evidence(later(1), "ORDER: a → b", "sre", First(later(3), "openai", "success", 812.0), Rate(3, 10), Rate(9, 9))
NOTHING = Evidence(None, "", "", None, Rate(3, 10), Rate(0, 0))


@pytest.mark.parametrize("made", [CONFIG, RESET, replace(RESET, request_id=None)])
def test_a_claim_survives_its_link(made: Claim) -> None:
    assert parsed(spelled(made)) == made


@pytest.mark.parametrize("text", ["", "8", "x~y", "8~2026-03-02~<b>~reset", "8~2026-03-02T10:00:00~openai~smash"])
def test_a_link_that_is_no_claim_is_none(text: str) -> None:
    assert parsed(text) is None


def test_a_change_of_a_circuit_claims_its_provider() -> None:
    done = Done(8, NOW, (), (), replayed=False, request_id="req-1")

    assert claim(CircuitDraft("openrouter", Verb.RESET), done, NOW) == RESET
    assert claim(OrderDraft(("openai",)), replace(done, at=None), NOW) == CONFIG


def test_only_the_line_of_this_version_and_time_counts_as_the_change() -> None:
    rows = [{"version": 8, "at": later(-3600)}, {"version": 7, "at": later(0)}, {"version": 8, "at": later(-1)}]
    by_hand = [
        {"kind": "reset", "text": "openrouter: isolated", "at": later(1), "request_id": "req-1"},
        {"kind": "reset", "text": "openrouter: manual_reset (healthy again)", "at": later(2), "request_id": "req-1"},
    ]

    assert own_event(CONFIG, rows, by_hand) == rows[2]
    assert own_event(RESET, rows, by_hand) == by_hand[1]
    assert own_event(Claim(9, NOW), rows, by_hand) is None


def test_the_same_done_to_a_circuit_by_somebody_else_is_no_proof() -> None:
    def reset(at_s: float, request_id: str) -> dict[str, Any]:
        return {
            "kind": "reset",
            "text": "openrouter: manual_reset (theirs)",
            "at": later(at_s),
            "request_id": request_id,
        }

    assert own_event(RESET, [], [reset(0, "req-2"), reset(0.9, "req-1")]) == reset(0.9, "req-1")
    assert own_event(RESET, [], [reset(0, "req-2")]) is None


def test_where_the_log_names_no_request_the_nearest_in_time_is_the_proof() -> None:
    def reset(at_s: float) -> dict[str, Any]:
        return {
            "kind": "reset",
            "text": "openrouter: manual_reset (theirs)",
            "at": later(at_s),
            "request_id": None,
        }

    assert own_event(RESET, [], [reset(-3), reset(600), reset(0.2)]) == reset(0.2)
    assert own_event(RESET, [], [reset(-3)]) is None


def test_requests_under_a_later_version_count_too_and_under_an_earlier_one_do_not() -> None:
    def row(version: int, at_s: float, total: int, provider: str | None) -> dict[str, Any]:
        first = {"first_at": later(at_s), "first_provider": provider, "first_status": "success", "first_ms": 5.0}
        return {"config_version": version, "total": total, "success": total - 1} | first

    first, rate = under_version(CONFIG, [row(7, 1, 100, "openai"), row(9, 4, 5, None), row(8, 2, 10, "anthropic")])

    assert first == First(later(2), "anthropic", "success", 5.0)
    assert rate == Rate(13, 15)
    assert under_version(CONFIG, [row(7, 1, 100, "openai")]) == (None, Rate(0, 0))


def test_a_proof_waits_then_says_what_to_do_and_ends_when_all_is_there() -> None:
    early = proof(CONFIG, NOTHING, later(-1), 30, later(5))
    late = proof(CONFIG, NOTHING, later(-60), 30, later(21))
    no_traffic = proof(RESET, replace(GOOD, first=None), later(1), 30, later(25))
    whole = proof(CONFIG, GOOD, later(3), 30, later(60))

    assert (early.awaited, early.overdue, early.advice) == ("the change's own line in the log", False, ())
    assert late.overdue
    assert late.advice[0].startswith("Is this the service's log?")
    assert "may have stopped" in late.advice[1]
    assert late.command is None
    assert no_traffic.awaited == "the first call to openrouter"
    assert no_traffic.command is not None
    assert "progressive-questions" in no_traffic.command
    assert (whole.awaited, whole.overdue, whole.advice, whole.command) == (None, False, (), None)


def test_a_proof_reads_as_event_first_request_before_and_after() -> None:
    texts = [(note.level, note.text) for note in notes.of_proof(proof(CONFIG, GOOD, later(3), 30, later(60)))]

    assert texts == [
        (Level.OK, "10:00:01 UTC in the log: CONFIG_CHANGED, version 8 by sre: ORDER: a → b"),
        (Level.OK, "10:00:03 UTC first request: openai, success, 812 ms"),
        (Level.INFO, "success: 30.0 % (n 10) in the 5 min before, 100.0 % (n 9) since"),
    ]


# Notes


@pytest.mark.parametrize(
    ("problem", "part"),
    [
        (Unreachable("no connection"), "cannot be reached: no connection"),
        (Unreachable("no answer within 6 s", unsure=True), "not known whether this was done"),
        (Unauthorised("a token is needed"), "METIS_CONTROL_TOKEN"),
        (Unauthorised("too many", 17.0), "Wait 17 s"),
        (Refused("x", "the key is missing", True), "all the same"),
        (Invalid("X", "X must be 1 or more"), "Not valid: X must be"),
    ],
)
def test_every_problem_says_what_it_is_and_what_to_do(problem: Any, part: str) -> None:
    (note,) = notes.of_problem(problem)

    assert part in note.text


def test_a_preview_marks_refusals_as_the_worst() -> None:
    found = notes.of_preview(Preview(("a",), ("b",), (Refusal("c", "no"),)))

    assert [note.level for note in found] == [Level.INFO, Level.WARNING, Level.CRITICAL]
    assert [note.level for note in notes.of_preview(None)] == [Level.WAITING]


# The audit


def test_the_audit_has_settings_and_circuits_newest_first_and_inert() -> None:
    changes = pd.DataFrame(
        {"at": [pd.Timestamp(NOW)], "actor": ["a\x1b[31mb"], "reason": ["slow"], "origin": ["api"]}
        | {"changes": ["ORDER: a → b"], "version": [8]}
    )
    actions = pd.DataFrame(
        {"at": [pd.Timestamp(later(5)), pd.Timestamp(later(6))], "kind": ["reset", "start"], "actor": ["sre", None]}
        | {"text": ["openrouter: manual_reset (healthy)", "service started"]}
    )

    found = audit(changes, actions)

    assert found == (
        Act("2026-03-02 10:00:05", "sre", "openrouter: manual_reset", "healthy", ""),
        Act("2026-03-02 10:00:00", "ab", "ORDER: a → b", "slow", "8"),
    )
    assert audit(changes[:0], actions[:0]) == ()


@pytest.mark.parametrize(("actor", "origin", "who"), [("timer", "timer", "timer"), ("sre", "fleet", "sre (fleet)")])
def test_the_audit_says_by_way_of_what_where_the_actor_does_not(actor: str, origin: str, who: str) -> None:
    changes = pd.DataFrame(
        {"at": [pd.Timestamp(NOW)], "actor": [actor], "reason": ["slow"], "origin": [origin]}
        | {"changes": ["ORDER: a → b"], "version": [8]}
    )

    [act] = audit(changes, pd.DataFrame({"at": [], "kind": [], "actor": [], "text": []}, dtype="str"))

    assert act.who == who
