"""What the Logs page knows, as values: searches, the runbook's greps, one request's story, instances, exports."""
