"""Every fault of the catalogue, through the library and the service, plain and streamed, over real sockets."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from resilience import attempt
from resilience.events import AttemptStatus, Reason, RequestStatus
from resilience.policy import ChainPolicy, DeadlinePolicy, StreamMode
from resilience.simulator.catalogue.oddities import ACCENTS
from resilience.simulator.faults import FAULTS
from resilience.simulator.profiles import PROFILES
from resilience.simulator.provider import Received, SimulatedProvider
from resilience.simulator.steps import Send
from tests.resilience.fault_kit import GRACE_S, KINDS, LONG, SHORT, Case, Played, Seen, play
from tests.resilience.fault_table import SAFE, TABLE, Outcome
from tests.resilience.quick_faults import QUICK, quick

WAYS = {
    "library": Case("", (), service=False, streamed=False),
    "library-streamed": Case("", (), service=False, streamed=True),
    "service": Case("", (), service=True, streamed=False),
    "service-streamed": Case("", (), service=True, streamed=True),
    "anthropic": Case("", (), service=False, streamed=False, chain=("anthropic", "openai")),
    "anthropic-streamed": Case("", (), service=False, streamed=True, chain=("anthropic", "openai")),
}
SAFE_WAYS = {
    way: replace(WAYS[way], choices=ChainPolicy(stream_mode=StreamMode.SAFE))
    for way in ("library-streamed", "service-streamed")
}
ALONE_WAYS = {way: replace(WAYS[way], chain=("openrouter",)) for way in ("library", "library-streamed")}

LATE = DeadlinePolicy(attempt_s=9.0, request_s=0.8, connect_s=9.0, first_token_s=9.0, stall_s=9.0)
LATE_FAULTS = ("hang", "slow_head", "hang_after_head", "only_keep_alives", "drip", "stall")
LATE_WAYS = {way: replace(WAYS[way], chain=("openrouter",), limits=LATE) for way in WAYS if "anthropic" not in way}


def outcome(way: str, fault: str) -> Outcome:
    """The table's word for one way to meet a fault."""
    return TABLE[fault].streamed if way.endswith("streamed") else TABLE[fault].plain


def case(name: str, way: Case, fault: str, expected: Outcome, *then: str) -> Case:
    """The fault, met in this way; then what the primary does in the calls after it."""
    script = (quick(FAULTS[fault].behaviour), *(QUICK for _ in then))
    return replace(way, name=f"{name}-{fault}", script=script, limits=SHORT if expected.waits else LONG)


CASES = {(way, fault): case(way, WAYS[way], fault, outcome(way, fault)) for way in WAYS for fault in FAULTS}
SAFE_CASES = {
    (way, fault): case(f"safe-{way}", SAFE_WAYS[way], fault, SAFE[fault]) for way in SAFE_WAYS for fault in SAFE
}
ALONE_CASES = {
    (way, fault): case(f"alone-{way}", ALONE_WAYS[way], fault, outcome(way, fault), "ok")
    for way in ALONE_WAYS
    for fault in FAULTS
    if fault != "refused"  # a port that does not listen cannot answer the next call
}
LATE_CASES = {
    (way, fault): replace(LATE_WAYS[way], name=f"late-{way}-{fault}", script=(quick(FAULTS[fault].behaviour),))
    for way in LATE_WAYS
    for fault in LATE_FAULTS
}


@pytest.fixture(scope="module")
def small_caps() -> Iterator[None]:
    """Bodies are capped at 2 MiB rather than 16, so that endless ones end sooner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempt, "MAX_BODY_BYTES", 2 * 1024 * 1024)
        yield


@pytest.fixture(scope="module")
def played(small_caps: None) -> Played:
    """All cases, once for all tests: those that wait for a limit together, the others a few at a time."""
    cases = [*CASES.values(), *SAFE_CASES.values(), *ALONE_CASES.values(), *LATE_CASES.values()]
    began = time.perf_counter()
    slowest_first = sorted(cases, key=lambda case: case.script[0].name != "drip")
    waiting = asyncio.run(play([case for case in slowest_first if case.limits is not LONG], 48))
    quick_ones = asyncio.run(play([case for case in cases if case.limits is LONG], 8))
    worst = max(seen.took_s - case.limits.request_s - seen.late_s for case, seen in waiting.seen.items())
    print(
        f"\n{len(cases)} cases in {time.perf_counter() - began:.1f} s; worst over the deadline: {worst * 1000:.0f} ms"
    )
    return Played(
        waiting.seen | quick_ones.seen,
        waiting.complaints + quick_ones.complaints,
        waiting.tasks + quick_ones.tasks,
        waiting.files + quick_ones.files,
    )


def spoken(provider: str, calls: int = 1) -> str:
    """What this simulated provider says in its answer number `calls`, when it is well."""
    simulated = SimulatedProvider(PROFILES[provider], 0, lambda _: QUICK)
    anthropic = KINDS[provider] == "anthropic"
    body = {"model": "m", "max_tokens": 4096, "messages": [{"role": "user", "content": "Hello"}]}
    path = "/v1/messages" if anthropic else "/v1/chat/completions"
    headers = {"authorization": "Bearer k", "anthropic-version": "1"}
    for _ in range(calls):
        steps = simulated.answer(Received(path, headers, json.dumps(body).encode()), 0.0)
    answer = json.loads(b"".join(step.data for step in steps if isinstance(step, Send)))
    return str(answer["content"][0]["text"] if anthropic else answer["choices"][0]["message"]["content"])


def same_words(text: str, fault: str) -> str:
    """The text without what the fault itself put into it."""
    if fault == "split_utf8":
        return text.translate(str.maketrans({accented: letter for letter, accented in ACCENTS.items()}))
    return text.removesuffix("\ud83d")


def check(case: Case, seen: Seen, expected: Outcome, fault: str) -> None:
    """The whole of what one case led to."""
    primary, second = case.chain
    answering = {"primary": primary, "next": second, None: None}[expected.by]
    fell_back = expected.by == "next"
    check_time(case, seen, expected)

    assert (seen.error, seen.provider if seen.error is None else None) == (expected.error, answering)
    tried = [entry for entry in seen.attempts if entry.provider == primary]
    assert [(entry.status, entry.reason, entry.http_status, entry.retrying) for entry in tried] == (
        [(AttemptStatus.SUCCESS, None, 200, None)]
        if expected.by == "primary"
        else [
            (AttemptStatus.FAILED, expected.reason, logged_status(expected, case), number < expected.attempts)
            for number in range(1, expected.attempts + 1)
        ]
    )
    assert {entry.streamed for entry in seen.attempts} == {case.streamed}
    assert [(entry.from_provider, entry.to_provider, entry.reason) for entry in seen.fallbacks] == (
        [(primary, second, expected.reason)] if fell_back else []
    )
    arrived = 0 if expected.reason is Reason.CONNECT_ERROR else expected.attempts
    assert seen.calls == {primary: arrived, second: int(fell_back)}
    assert [view.failures for view in seen.circuits] == [expected.attempts if expected.counted else 0, 0]
    check_request(case, seen, answering)
    if expected.by is not None and fault != "invalid_utf8":
        assert same_words(seen.text, fault) == spoken(answering or "")


def check_time(case: Case, seen: Seen, expected: Outcome) -> None:
    """Neither sooner than the limit or the wish, nor later than allowed."""
    assert seen.took_s >= expected.at_least_s - 0.02
    if case.limits is LONG:
        assert seen.took_s < LONG.attempt_s  # no limit was waited for
    else:
        assert seen.took_s <= case.limits.request_s + GRACE_S + seen.late_s


REQUEST_STATUS = {
    None: RequestStatus.SUCCESS,
    "refused": RequestStatus.REJECTED,
    "broken": RequestStatus.ERROR,
    "deadline": RequestStatus.DEADLINE,
    "exhausted": RequestStatus.EXHAUSTED,
}


def check_request(case: Case, seen: Seen, answering: str | None) -> None:
    """The line that ends the request, and the response's headers, tell the same."""
    request = seen.request
    assert (request.status, request.provider) == (REQUEST_STATUS[seen.error], answering)
    assert (request.attempts, request.fallbacks) == (len(seen.attempts), len(seen.fallbacks))
    if case.service:
        assert seen.headers == (str(request.attempts), str(request.fallbacks))


def logged_status(expected: Outcome, case: Case) -> int | None:
    """Anthropic refuses content with a 400, OpenRouter with a 403."""
    filtered = expected.reason is Reason.CONTENT_FILTER and expected.status == 403
    return 400 if filtered and case.chain[0] == "anthropic" else expected.status


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("way", WAYS)
def test_each_fault_leads_to_what_the_table_says(way: str, fault: str, played: Played) -> None:
    case = CASES[way, fault]

    check(case, played.of(case), outcome(way, fault), fault)


@pytest.mark.parametrize("fault", SAFE)
@pytest.mark.parametrize("way", SAFE_WAYS)
def test_a_safe_stream_falls_back_over_what_breaks_a_live_one(way: str, fault: str, played: Played) -> None:
    case = SAFE_CASES[way, fault]

    check(case, played.of(case), SAFE[fault], fault)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "refused"])
@pytest.mark.parametrize("way", ALONE_WAYS)
def test_a_single_provider_is_tried_again_where_that_can_help(way: str, fault: str, played: Played) -> None:
    expected, case = outcome(way, fault), ALONE_CASES[way, fault]
    seen = played.of(case)

    attempts = 2 if expected.again else 1
    answered = expected.again or expected.by == "primary"
    assert seen.error == (None if answered else expected.error or "exhausted")
    assert (len(seen.attempts), seen.calls) == (attempts, {"openrouter": attempts})
    assert [view.failures for view in seen.circuits] == [0 if answered else int(expected.counted)]
    check_time(case, seen, expected)
    check_request(case, seen, "openrouter" if answered else None)
    if expected.again:
        assert seen.text == spoken("openrouter", calls=2)


@pytest.mark.parametrize("fault", LATE_FAULTS)
@pytest.mark.parametrize("way", LATE_WAYS)
def test_the_callers_wait_ends_at_the_deadline_whatever_the_provider_does(way: str, fault: str, played: Played) -> None:
    case = LATE_CASES[way, fault]
    seen = played.of(case)

    assert seen.error == "deadline"
    assert LATE.request_s - 0.02 <= seen.took_s <= LATE.request_s + GRACE_S + seen.late_s
    check_request(case, seen, None)


def test_nothing_is_left_behind(played: Played) -> None:
    assert (played.complaints, played.tasks, played.files) == ([], 0, 0)


def test_the_tables_have_every_fault_of_the_catalogue() -> None:
    broken_live = [fault for fault, row in TABLE.items() if row.streamed.error in ("broken", "deadline")]

    assert list(TABLE) == list(FAULTS)
    assert len(TABLE) >= 40
    assert set(SAFE) == {*broken_live, "refusal_midway"}


def test_the_document_shows_the_tables() -> None:
    text = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
    rows = [line for line in text.partition("## The catalogue")[2].splitlines() if line.startswith("| ")]

    assert rows[1:] == list(map(documented, FAULTS)), "docs/faults.md, The catalogue"


def documented(fault: str) -> str:
    """The document's row."""
    row = TABLE[fault]
    cells = fault, FAULTS[fault].text, row.plain, row.streamed, SAFE.get(fault, row.streamed)
    return f"| {' | '.join(map(str, cells))} |"
