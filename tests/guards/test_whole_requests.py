"""Whole requests through the guards, with several messages, context and stops: what goes in comes back, and stays apart."""

import gc
import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from resilience.chat import ChatRequest, Chunk, Message
from resilience.guards.guarding import MOST_CHARACTERS, Guarded, Guards, texts_of
from resilience.guards.pii import find
from resilience.policy import GuardPolicy
from tests.guards.test_pii import TEXTS

PII = Guards(GuardPolicy(patterns=r"CUSTOMER=KD-\d+;LOUD=[A-Z]{4,}"), frozenset({"injection", "grounding"}))
ALL = Guards(GuardPolicy())
SOME = TEXTS.filter(lambda text: bool(text.strip()))
REQUESTS = st.builds(
    lambda messages, context, stop: ChatRequest(
        tuple(Message(role, text) for role, text in [*messages, ("user", "Go on")]),
        context=tuple(Chunk(f"c{number}", text) for number, text in enumerate(context)),
        stop=tuple(stop),
    ),
    st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), TEXTS), max_size=3),
    st.lists(SOME, max_size=3),
    st.lists(TEXTS.filter(bool), max_size=2),
)


def hidden(guarded: Guarded) -> list[str]:
    """The texts as they leave; of the sources, all in one, the part that this request has."""
    return [*(message.content for message in guarded.sent.messages), *guarded.sent.stop]


@settings(max_examples=300, deadline=None)
@given(REQUESTS)
def test_every_text_of_a_request_comes_back_as_it_was(request_: ChatRequest) -> None:
    guarded = PII.opened(request_)

    told = [guarded.restored(text) for text in hidden(guarded)]
    first = 2 if request_.context else 0
    assert told[first:] == [*(message.content for message in request_.messages), *request_.stop]
    for chunk in request_.context:
        assert f"id={chunk.id}>\n{chunk.text}\n</" in told[1]


@settings(max_examples=300, deadline=None)
@given(REQUESTS)
def test_what_left_hides_nothing_more_when_it_is_sent_again(request_: ChatRequest) -> None:
    sent = PII.opened(request_).sent

    assert PII.opened(sent).sent == sent
    assert [find(text, PII.custom) for text in texts_of(sent)] == [()] * len(list(texts_of(sent)))


@settings(max_examples=200, deadline=None)
@given(REQUESTS, st.lists(st.integers(0, 400), max_size=6))
def test_what_left_comes_back_as_a_stream_too(request_: ChatRequest, cuts: list[int]) -> None:
    guarded = PII.opened(request_)
    whole = "\n".join(hidden(guarded))
    restorer = guarded.restorer()
    assert restorer is not None

    places = sorted({0, *(min(cut, len(whole)) for cut in cuts), len(whole)})
    pieces = [restorer.feed(whole[start:end]) for start, end in pairwise(places)]

    assert "".join([*pieces, restorer.end()]) == guarded.restored(whole)


@settings(max_examples=100, deadline=None)
@given(REQUESTS)
def test_no_text_breaks_the_three_together(request_: ChatRequest) -> None:
    guarded = ALL.opened(request_)

    for text in hidden(guarded):
        guarded.seen(text)
        guarded.verified(text)
        guarded.restored(text)


def address(number: int) -> str:
    return f"person{number}@example.org"


def one_request(number: int) -> str:
    """Everything that a caller and the log get of a request that nobody else's data may be in."""
    text = f"Write to {address(number)} or call +49 30 {number:07}, key sk-proj-{number:032}. " * (1 + number % 3 * 10)
    guarded = ALL.opened(ChatRequest((Message("user", text),), context=(Chunk("c1", text),)))
    told = guarded.restored(guarded.sent.messages[-1].content)
    found, _ = guarded.verified(json.dumps({"answer": [], "insufficient": True}))
    assert found is not None
    triggers = guarded.triggers + guarded.seen("Write to [EMAIL_1], not to [EMAIL_2]")
    return told + guarded.restored("[EMAIL_1] [EMAIL_2] [PHONE_1]") + repr(guarded.returned(found)) + repr(triggers)


def test_requests_side_by_side_in_threads_have_only_their_own() -> None:
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(one_request, range(200)))

    for number, text in enumerate(told):
        assert address(number) in text
        assert "[EMAIL_2]" in text
        assert text.count("@") == text.count(address(number))


def test_requests_leave_nothing_behind() -> None:
    def ask(number: int) -> None:
        guarded = ALL.opened(ChatRequest((Message("user", f"Write to {address(number)} today, {'word ' * 40}"),)))
        guarded.seen(guarded.restored("[EMAIL_1], or joe@example.net"))

    for number in range(20):  # what is loaded and cached once
        ask(number)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(100, 400):
            ask(number)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    print(f"{after - before} bytes more after 300 requests")
    assert after - before < 300 * 100  # not half of what one of them said
    assert [one for one in gc.get_objects() if isinstance(one, Guarded)] == []


def test_an_answer_is_looked_at_up_to_a_length() -> None:
    guarded = ALL.opened(ChatRequest((Message("user", "Hello"),)))
    answer = f"{address(1)} {' ' * MOST_CHARACTERS} {address(2)}"

    assert [dict(found.counts) for found in guarded.seen(answer)] == [{"EMAIL": 1}]
