"""docs/metrics.md and the code name the same metrics and columns."""

import re
from pathlib import Path

from dashboard import metrics

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


def test_each_metric_has_its_row_with_its_columns() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
    public = {name for name in metrics.__all__ if name.islower()}

    assert set(rows) == public
    for name in public:
        documented = set(re.findall(r"\w+", rows[name])) - {"the", "same", "without", "and"}
        docstring = getattr(metrics, name).__doc__ or ""
        named = docstring.partition("Columns:")[2].partition(".")[0]
        assert documented - {"bucket_at"} <= set(re.findall(r"\w+", named)), name
