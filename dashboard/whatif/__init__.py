"""What-if: a log's requests under another policy, beside what really happened; docs/whatif.md says how far to trust it."""
