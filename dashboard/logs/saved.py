"""The runbook's commands that read the log, as searches: the same lines as grep gives, over the page's range.

One of our own stands with them: of the guards' lines the runbook does not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.logs.search import Search


@dataclass(frozen=True, slots=True)
class Saved:
    """title: what it answers; where: the runbook's section, None for one of our own; command: as it stands there;
    counts: it ends in wc -l."""

    title: str
    where: str | None
    command: str
    search: Search
    counts: bool = False


_HEALTH, _OPEN, _FALLBACKS = "1. Check provider health", "5. Circuit OPEN", "6. Repeated fallbacks"
_METRICS, _SLOW, _STUCK = "Key metrics", "Slow responses", "Circuit won't close"


def _of(*patterns: str, last: int | None = None, among_last: int | None = None) -> Search:
    return Search(patterns=patterns, last=last, among_last=among_last)


_ALL = (
    Saved(
        "Providers, circuits, fallbacks",
        _HEALTH,
        'tail -f backend_live.log | grep -E "(provider|circuit|fallback)"',
        _of("(provider|circuit|fallback)"),
    ),
    Saved("Open circuits", _HEALTH, 'grep "circuit.*open" backend_live.log | tail -20', _of("circuit.*open", last=20)),
    Saved(
        "Recent attempts",
        _HEALTH,
        'tail -100 backend_live.log | grep "LLM_ATTEMPT"',
        _of("LLM_ATTEMPT", among_last=100),
    ),
    Saved("All about circuits", "2. Circuit thresholds", 'tail -f backend_live.log | grep "circuit"', _of("circuit")),
    Saved(
        "Response times, last 50",
        "3. Provider timeout",
        'grep "generation_time_ms" backend_live.log | tail -50',
        _of("generation_time_ms", last=50),
    ),
    Saved("Primary provider", "4. Provider order", 'grep "PRIMARY" backend_live.log | tail -1', _of("PRIMARY", last=1)),
    Saved("Openings of circuits", _OPEN, 'grep "circuit.*OPEN" backend_live.log', _of("circuit.*OPEN")),
    Saved(
        "Last opening",
        _OPEN,
        'grep "Opening circuit breaker for provider" backend_live.log | tail -1',
        _of("Opening circuit breaker for provider", last=1),
    ),
    Saved(
        "Fallbacks, counted",
        _FALLBACKS,
        'grep "Falling back to provider" backend_live.log | wc -l',
        _of("Falling back to provider"),
        counts=True,
    ),
    Saved(
        "Fallbacks, last 20",
        _FALLBACKS,
        'grep "Falling back" backend_live.log | tail -20',
        _of("Falling back", last=20),
    ),
    Saved(
        "Errors of openrouter, last 20",
        _FALLBACKS,
        'grep "provider: openrouter.*ERROR" backend_live.log | tail -20',
        _of("provider: openrouter.*ERROR", last=20),
    ),
    Saved(
        "Successes, counted",
        _METRICS,
        'grep "LLM_ATTEMPT.*success" backend_live.log | wc -l',
        _of("LLM_ATTEMPT.*success"),
        counts=True,
    ),
    Saved(
        "Failures, counted",
        _METRICS,
        'grep "LLM_ATTEMPT.*failed" backend_live.log | wc -l',
        _of("LLM_ATTEMPT.*failed"),
        counts=True,
    ),
    Saved(
        "Circuits' transitions",
        _METRICS,
        'grep "circuit" backend_live.log | grep -E "(OPEN|CLOSED|HALF_OPEN)"',
        _of("circuit", "(OPEN|CLOSED|HALF_OPEN)"),
    ),
    Saved(
        "Longest response times",
        _METRICS,
        """grep "generation_time_ms" backend_live.log | awk -F'"' '{print $4}' | sort -n | tail -20""",
        Search(patterns=("generation_time_ms",), last=20, quoted=True),
    ),
    Saved(
        "Response times, last 20",
        _SLOW,
        'grep "generation_time_ms" backend_live.log | tail -20',
        _of("generation_time_ms", last=20),
    ),
    Saved(
        "Last opening, in short",
        _STUCK,
        'grep "Opening circuit" backend_live.log | tail -1',
        _of("Opening circuit", last=1),
    ),
    Saved(
        "Errors of openrouter, last 5",
        _STUCK,
        'grep "provider: openrouter.*ERROR" backend_live.log | tail -5',
        _of("provider: openrouter.*ERROR", last=5),
    ),
    Saved(
        "Errors with their surroundings",
        "Post-incident review",
        'grep -A 5 -B 5 "ERROR" backend_live.log > incident_logs.txt',
        Search(patterns=("ERROR",), context=5),
    ),
    Saved("What the guards did", None, 'grep "GUARD_TRIGGERED" backend_live.log', _of("GUARD_TRIGGERED")),
)

SAVED: Mapping[str, Saved] = {saved.title: saved for saved in _ALL}
"""By title, in the runbook's order; then our own."""
