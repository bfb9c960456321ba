"""Incidents of a log, found by themselves, as values.

    alert episodes, circuits' outages -> groups -> Incident: its moments, its impact, its causes -> timeline, evidence

docs/review.md has the rules and what each number counts.
"""
