"""The runbook's shell commands, word for word, in its order: those that read the log, and those that do not."""

import re
from dataclasses import dataclass

LOG = "backend_live.log"


@dataclass(frozen=True, slots=True)
class LogCommand:
    """A command that reads the log. where: the runbook's section; text: as it stands there."""

    where: str
    text: str

    @property
    def follows(self) -> bool:
        """Whether it runs until it is stopped."""
        return self.text.startswith("tail -f")

    @property
    def selection(self) -> str:
        """The command up to its last grep: which lines it takes, before it cuts, counts or sorts them."""
        steps = self.text.split(" | ")
        last_grep = max(i for i, step in enumerate(steps) if step.startswith("grep"))
        return re.sub(r" > \S+$", "", " | ".join(steps[: last_grep + 1]))


HEALTH = "Common Operations, 1. Check Provider Health"
THRESHOLDS = "Common Operations, 2. Adjust Circuit Breaker Thresholds"
TIMEOUT = "Common Operations, 3. Increase Provider Timeout"
ORDER = "Common Operations, 4. Force Provider Fallback Order"
OPEN = 'Common Operations, 5. Handle Circuit Breaker "OPEN" State'
FALLBACKS = "Common Operations, 6. Investigate Repeated Fallbacks"
METRICS = "Monitoring & Alerts, Key Metrics to Monitor"
SLOW = "Troubleshooting Guide, Extremely Slow Responses"
STUCK = "Troubleshooting Guide, Circuit Breaker Won't Close"
REVIEW = "Post-Incident Review"

LOG_COMMANDS = (
    LogCommand(HEALTH, 'tail -f backend_live.log | grep -E "(provider|circuit|fallback)"'),
    LogCommand(HEALTH, 'grep "circuit.*open" backend_live.log | tail -20'),
    LogCommand(HEALTH, 'tail -100 backend_live.log | grep "LLM_ATTEMPT"'),
    LogCommand(THRESHOLDS, 'tail -f backend_live.log | grep "circuit"'),
    LogCommand(TIMEOUT, 'grep "generation_time_ms" backend_live.log | tail -50'),
    LogCommand(ORDER, 'grep "PRIMARY" backend_live.log | tail -1'),
    LogCommand(OPEN, 'grep "circuit.*OPEN" backend_live.log'),
    LogCommand(OPEN, 'grep "Opening circuit breaker for provider" backend_live.log | tail -1'),
    LogCommand(FALLBACKS, 'grep "Falling back to provider" backend_live.log | wc -l'),
    LogCommand(FALLBACKS, 'grep "Falling back" backend_live.log | tail -20'),
    LogCommand(FALLBACKS, 'grep "provider: openrouter.*ERROR" backend_live.log | tail -20'),
    LogCommand(METRICS, 'grep "LLM_ATTEMPT.*success" backend_live.log | wc -l'),
    LogCommand(METRICS, 'grep "LLM_ATTEMPT.*failed" backend_live.log | wc -l'),
    LogCommand(METRICS, 'grep "Falling back to provider" backend_live.log | wc -l'),
    LogCommand(METRICS, 'grep "circuit" backend_live.log | grep -E "(OPEN|CLOSED|HALF_OPEN)"'),
    LogCommand(METRICS, """grep "generation_time_ms" backend_live.log | awk -F'"' '{print $4}' | sort -n | tail -20"""),
    LogCommand(SLOW, 'grep "PRIMARY" backend_live.log | tail -1'),
    LogCommand(SLOW, 'grep "generation_time_ms" backend_live.log | tail -20'),
    LogCommand(STUCK, 'grep "Opening circuit" backend_live.log | tail -1'),
    LogCommand(STUCK, 'grep "provider: openrouter.*ERROR" backend_live.log | tail -5'),
    LogCommand(REVIEW, 'grep -A 5 -B 5 "ERROR" backend_live.log > incident_logs.txt'),
)

OTHER_COMMANDS = {
    "make dev-restart": "restarts the backend; reads no log",
    "python3 src/main.py": "starts the backend; `make dev-restart` does that here",
    'ps aux | grep "python3 src/main.py"': "asks the operating system for a process",
    'grep "API_KEY" .env | grep -v "your_"': "reads the settings, not the log",
    "curl -I https://api.openai.com": "asks the network",
    "curl http://localhost:8000/api/v53/health": "asks the service; its own tests cover the endpoint",
    """curl -X POST http://localhost:8000/api/progressive-questions/generate \\
     -H "Content-Type: application/json" \\
     -d '{"statement":"Test","context":{}}'""": "asks the service; its own tests cover the endpoint",
    'env | grep "_API_KEY"': "reads the shell's environment",
    """curl -H "Authorization: Bearer $ANTHROPIC_API_KEY" \\
     https://api.anthropic.com/v1/messages""": "asks the network",
    "pytest tests/security/test_llm_guards.py::test_fake_failing_provider_retries -v": "runs a test of this suite",
}
"""The runbook's commands that do not read the log, each with the reason why they are no test of it."""
