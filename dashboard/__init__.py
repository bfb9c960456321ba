"""The log-analysis dashboard: reads the event log, computes the runbook's metrics, draws them."""
