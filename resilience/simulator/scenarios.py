"""The incidents by name. Times are seconds from the start of a scenario."""

from collections.abc import Iterator, Mapping

from resilience.simulator.behaviour import Behaviour, Mix, SimulatorError
from resilience.simulator.faults import FAULTS
from resilience.simulator.profiles import PROFILES
from resilience.simulator.scenario import DAY_S, Phase, Scenario, Traffic

MINUTE_S = 60.0
HOUR_S = 3600.0

UNAVAILABLE = Mix.only("error", status=503)
RATE_LIMITED = Mix.only("error", status=429, retry_after_s=20.0)
UNAUTHORIZED = Mix.only("error", status=401)
OVERLOADED = Mix.only("error", status=529, latency_s=0.4)
HANGS = Mix.only("hang")
REFUSES = Mix.only("refuse")
NOISY = Mix(
    (
        (0.97, Behaviour.of("ok")),
        (0.01, Behaviour.of("error", status=500)),
        (0.01, Behaviour.of("error", status=429, retry_after_s=2.0)),
        (0.01, Behaviour.of("slow", factor=4.0)),
    )
)
BROKEN_STREAMS = Mix(
    (
        (0.4, Behaviour.of("ok")),
        (0.3, Behaviour.of("cut")),
        (0.2, Behaviour.of("error_in_stream")),
        (0.1, Behaviour.of("malformed")),
    )
)


def named(name: str) -> Scenario:
    """The scenario of this name, or five minutes in which OpenRouter shows the fault of this name from 1 to 4.

    Raises SimulatorError, which lists the scenarios.
    """
    if name in SCENARIOS:
        return SCENARIOS[name]
    if name in FAULTS:
        fault = FAULTS[name]
        phase = Phase("openrouter", MINUTE_S, 4 * MINUTE_S, Mix(((1.0, fault.behaviour),)))
        return Scenario(name, fault.text, 5 * MINUTE_S, Traffic(rps=1.0), (phase,))
    raise SimulatorError(f"scenario must be one of {', '.join(SCENARIOS)} or a fault (--list), got {name!r}")


def _everywhere(start_s: float, end_s: float, mix: Mix) -> tuple[Phase, ...]:
    return tuple(Phase(provider, start_s, end_s, mix) for provider in PROFILES)


def _flapping(provider: str, start_s: float, end_s: float, up_s: float, down_s: float) -> Iterator[Phase]:
    at_s = start_s
    while at_s < end_s:
        yield Phase(provider, at_s, min(at_s + down_s, end_s), UNAVAILABLE)
        at_s += down_s + up_s


QUIET_DAY = Scenario(
    "quiet_day",
    "24 hours with nothing but the usual noise: single errors, single slow answers.",
    DAY_S,
    Traffic(rps=0.06, swing=0.7),
    _everywhere(0, DAY_S, NOISY),
)
PRIMARY_DOWN = Scenario(
    "primary_down",
    "OpenRouter answers 503, then not at all, from minute 5 to 20 of 30; the others carry on.",
    30 * MINUTE_S,
    Traffic(rps=0.7),
    (
        Phase("openrouter", 5 * MINUTE_S, 14 * MINUTE_S, UNAVAILABLE),
        Phase("openrouter", 14 * MINUTE_S, 20 * MINUTE_S, REFUSES),
    ),
)
RATE_LIMITED_PRIMARY = Scenario(
    "rate_limited",
    "OpenRouter answers most calls with 429 and Retry-After from minute 5 to 20 of 30.",
    30 * MINUTE_S,
    Traffic(rps=0.7),
    (
        Phase(
            "openrouter",
            5 * MINUTE_S,
            20 * MINUTE_S,
            Mix(((0.7, Behaviour.of("error", status=429, retry_after_s=20.0)), (0.3, Behaviour.of("ok")))),
        ),
    ),
)
SLOW_PROVIDER = Scenario(
    "slow_provider",
    "OpenRouter takes 12 times as long from minute 5 to 20 of 30, and hangs now and then: slow, not down.",
    30 * MINUTE_S,
    Traffic(rps=0.5),
    (
        Phase(
            "openrouter",
            5 * MINUTE_S,
            20 * MINUTE_S,
            Mix(((0.8, Behaviour.of("slow", factor=12.0)), (0.1, Behaviour.of("hang")), (0.1, Behaviour.of("ok")))),
        ),
    ),
)
ALL_DOWN = Scenario(
    "all_down",
    "One provider after the other fails from minute 5 on; from minute 8 to 18 of 30 nobody answers.",
    30 * MINUTE_S,
    Traffic(rps=0.5),
    (
        Phase("openrouter", 5 * MINUTE_S, 18 * MINUTE_S, UNAVAILABLE),
        Phase("anthropic", 6 * MINUTE_S, 19 * MINUTE_S, OVERLOADED),
        Phase("deepseek", 7 * MINUTE_S, 18.5 * MINUTE_S, REFUSES),
        Phase("openai", 8 * MINUTE_S, 12 * MINUTE_S, HANGS),
        Phase("openai", 12 * MINUTE_S, 20 * MINUTE_S, UNAVAILABLE),
    ),
)
FLAPPING = Scenario(
    "flapping",
    "OpenRouter is down for 90 s and up for 60 s, again and again, from minute 5 to 30 of 40.",
    40 * MINUTE_S,
    Traffic(rps=0.5),
    tuple(_flapping("openrouter", 5 * MINUTE_S, 30 * MINUTE_S, up_s=60, down_s=90)),
)
KEY_EXPIRED = Scenario(
    "key_expired",
    "OpenRouter refuses the key with 401 from minute 5 to 25 of 30.",
    30 * MINUTE_S,
    Traffic(rps=0.5),
    (Phase("openrouter", 5 * MINUTE_S, 25 * MINUTE_S, UNAUTHORIZED),),
)
MIXED_DAY = Scenario(
    "mixed_day",
    "24 hours with seven incidents: rate limit, outage, slowness, silence, outage of all, expired key, flapping.",
    DAY_S,
    Traffic(rps=0.06, swing=0.7),
    (
        *_everywhere(0, DAY_S, NOISY),
        Phase("openrouter", 2.0 * HOUR_S, 2.75 * HOUR_S, RATE_LIMITED),
        Phase("openrouter", 7.5 * HOUR_S, 8.5 * HOUR_S, UNAVAILABLE),
        Phase("anthropic", 8.0 * HOUR_S, 8.25 * HOUR_S, OVERLOADED),
        Phase("openrouter", 11.0 * HOUR_S, 12.5 * HOUR_S, Mix.only("slow", factor=10.0)),
        Phase("openrouter", 14.0 * HOUR_S, 14.5 * HOUR_S, HANGS),
        *_everywhere(16.0 * HOUR_S, 16.25 * HOUR_S, UNAVAILABLE),
        Phase("openrouter", 18.0 * HOUR_S, 19.0 * HOUR_S, UNAUTHORIZED),
        *_flapping("openrouter", 21.0 * HOUR_S, 22.5 * HOUR_S, up_s=300, down_s=240),
    ),
)
TOUR = Scenario(
    "tour",
    "For `make run`, with short time-outs: one incident after another, about a minute each, then anew.",
    11 * MINUTE_S,
    Traffic(rps=4.0),
    (
        Phase("openrouter", 40, 100, UNAVAILABLE),
        Phase("openrouter", 140, 200, Mix.only("error", status=429, retry_after_s=4.0)),
        Phase("openrouter", 240, 300, Mix(((0.5, Behaviour.of("slow", factor=6.0)), (0.5, Behaviour.of("hang"))))),
        Phase("openrouter", 340, 400, BROKEN_STREAMS),
        Phase("openrouter", 440, 500, UNAUTHORIZED),
        Phase("anthropic", 460, 500, OVERLOADED),
        *_everywhere(540, 585, UNAVAILABLE),
        Phase("openai", 540, 585, REFUSES),
    ),
)

SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        QUIET_DAY,
        PRIMARY_DOWN,
        RATE_LIMITED_PRIMARY,
        SLOW_PROVIDER,
        ALL_DOWN,
        FLAPPING,
        KEY_EXPIRED,
        MIXED_DAY,
        TOUR,
    )
}
