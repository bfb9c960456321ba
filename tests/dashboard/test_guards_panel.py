"""What the Live page says of the guards, from rows of the metrics."""

from dashboard.live.guards import KIND_CHARACTERS, GuardNumbers, Row, guard_panel
from tests.dashboard.frames_kit import WINDOW, at

QUIET = {
    "requests": 0,
    "guarded": 0,
    "blocked": 0,
    "p50_ms": None,
    "p95_ms": None,
    "guard_ms": None,
    "share_of_time": None,
}
TOLD = QUIET | {"requests": 1250, "guarded": 1200, "p50_ms": 3.14, "p95_ms": 120.0, "share_of_time": 0.0123}


def acted(guard: str, action: str, where: str | None, times: int = 1, requests: int = 1) -> Row:
    return {"guard": guard, "action": action, "guard_where": where, "times": times, "requests": requests}


def found(kind: str | None, n: int, kinds: int = 1) -> Row:
    return acted("pii", "redacted", "input") | {"kind": kind, "n": n, "kinds": kinds}


def test_a_window_in_which_no_guard_acted_says_so_with_their_cost() -> None:
    panel = guard_panel(GuardNumbers(TOLD), WINDOW)

    assert panel.empty == "No guard acted in this window."
    assert panel.rows == ()
    cost = "p50 3.1 ms · p95 120 ms a request · 1.2 % of what callers waited · n 1,200, 50 do not say"
    assert panel.facts == (("Cost", cost),)


def test_a_window_that_does_not_tell_of_guards_is_unknown_and_not_quiet() -> None:
    not_told = guard_panel(GuardNumbers(QUIET | {"requests": 7}), WINDOW)
    nothing = guard_panel(GuardNumbers(QUIET), WINDOW)

    assert "the log does not tell" in not_told.empty
    assert "not known" in nothing.empty
    assert not_told.facts == nothing.facts == ()


def test_guards_that_acted_while_no_request_says_their_time_have_an_unknown_cost() -> None:
    panel = guard_panel(GuardNumbers(QUIET, [acted("pii", "redacted", None)]), WINDOW)

    assert panel.empty == ""
    assert dict(panel.facts)["Cost"].startswith("not known")
    assert panel.rows[0].part == "not said where"


def test_rows_stand_in_the_contracts_order_and_other_words_last() -> None:
    actions = [
        acted("other", "other", "other"),
        acted("grounding", "flagged", "answer"),
        acted("injection", "flagged", "context"),
        acted("injection", "flagged", "input"),
        acted("injection", "blocked", "input"),
        acted("pii", "redacted", "input", times=5, requests=4),
    ]

    rows = guard_panel(GuardNumbers(TOLD, actions), WINDOW).rows

    assert [(row.guard, row.action, row.part) for row in rows] == [
        ("pii", "redacted", "input"),
        ("injection", "blocked", "input"),
        ("injection", "flagged", "input"),
        ("injection", "flagged", "context"),
        ("grounding", "flagged", "answer"),
        ("another guard", "acted another way", "something else"),
    ]
    assert (rows[0].times, rows[0].requests) == (5, 4)


def test_a_kind_is_shown_without_unseen_characters_and_cut() -> None:
    hostile = "\x1b[31m\u202e![x](http://evil.example/a.png)" + "A" * 500
    findings = [found(hostile, 9), found("\u200b", 3), found("email", 2), found(None, 7, kinds=4)]

    [row] = guard_panel(GuardNumbers(TOLD, [acted("pii", "redacted", "input")], findings), WINDOW).rows

    assert row.kinds[0][0].startswith("![x](http://evil.example/a.png)AAA")
    assert len(row.kinds[0][0]) < KIND_CHARACTERS + 30
    assert row.kinds[1:] == (("without a name", 3), ("email", 2), ("4 further kinds", 7))


def test_the_course_is_a_share_of_its_highest_part_of_the_window() -> None:
    buckets = [
        acted("pii", "redacted", "input", times=n) | {"bucket_at": at(s)} for s, n in ((0, 1), (10, 3), (599, 1))
    ]
    numbers = GuardNumbers(TOLD, [acted("pii", "redacted", "input", times=5)], by_bucket=buckets)

    [row] = guard_panel(numbers, WINDOW).rows

    assert row.spark == (1.0, *[0.0] * 38, 0.25)  # 15 s each


def test_blocked_requests_and_answers_without_ground_are_told_by_requests() -> None:
    ends = {"requests": 12, "once": 8, "let_through": 3, "refused": 1}
    numbers = GuardNumbers(TOLD | {"blocked": 1}, [acted("grounding", "flagged", "answer", 14, 12)], grounding=ends)

    facts = dict(guard_panel(numbers, WINDOW).facts)

    assert facts["Blocked"] == "1 request; no rate counts them"
    assert facts["Grounding"] == (
        "answers of 12 requests broke the contract: 8 once, and were asked again, 3 twice, and went through, "
        "1 ended in an error"
    )
