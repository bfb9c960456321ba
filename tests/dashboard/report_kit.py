"""A log with an incident into which somebody has written secrets and markup wherever text can stand."""

from datetime import UTC, datetime
from pathlib import Path

from resilience.events import AttemptFinished, CircuitChanged, ConfigChanged, Event, Origin, to_line
from resilience.simulator.samples import DIRECTORY
from tests.canaries import CANARIES

ORIGIN = Origin("metis", "host-1", 7)
MARKUP = (
    "<script>window.hacked = 1</script>",
    "</pre><img src=x onerror='window.hacked=1'>",
    "[click](javascript:alert(1))",
    "https://evil.example/x www.evil.example",
    "=cmd|'/c calc'!A1",
    "**bold** `code` | cell | \u202e\x1b[31mred",
)


def planted(path: Path, sample: str = "primary_down.log") -> Path:
    """Writes the log: a recording with lines of ours in the middle of its incident."""
    lines = (DIRECTORY / sample).read_text("utf-8").splitlines(keepends=True)
    texts = (*CANARIES, *MARKUP)
    for number, text in enumerate(texts):
        second = 60 * 6 + number
        lines += [_line(second + part / 10, event) for part, event in enumerate(_events(text))]
        shown = "".join(letter for letter in text if letter.isprintable())
        lines.append(f"2026-03-02T00:{second // 60:02d}:{second % 60:02d}.900Z ERROR:other.program:{shown}\n")
    path.write_text("".join(sorted(lines, key=lambda line: line[:24])), "utf-8")
    return path


def _events(text: str) -> list[Event]:
    return [
        ConfigChanged(version=2, actor=text, reason=text, origin="api", changes=(("METIS_LLM_X", "1", text),)),
        CircuitChanged(
            provider="deepseek",
            from_="CLOSED",
            to="CLOSED",
            cause="manual_reset",
            failures=0,
            trigger_request_ids=(text,),
            actor=text,
            reason=text,
        ),
        AttemptFinished(
            request_id=text,
            provider="anthropic",
            model=text,
            attempt=1,
            chain_position=1,
            status="failed",
            reason="timeout",
            generation_time_ms=1000.0,
            streamed=False,
            prompt_tokens=7,
            circuit="CLOSED",
        ),
    ]


def _line(second: float, event: Event) -> str:
    return to_line(event, datetime(2026, 3, 2, tzinfo=UTC).timestamp() + second, ORIGIN)
