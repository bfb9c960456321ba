"""The alerts: rules as data, their evaluation as a pure function of time, and what came of it.

    rules.toml -> Rules      events -> History -> measured -> Evaluation.advanced -> Alert, Change -> Episode

The same functions watch a log live and evaluate a past one, so that both tell the same. docs/alerts.md has the rules.
"""
