"""An incident to hand on: a Markdown post-mortem, one HTML page that works offline, and an archive with the evidence.

    store, rules, Incident -> Report -> markdown, page, archive

Whatever leaves goes through the redaction of resilience.guards first.
"""
