"""What the Operations page knows, as pure functions over values: drafts, presets, prepared links, conflicts, proofs."""
