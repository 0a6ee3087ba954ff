"""Build contexts: where they come from, and which of their files an instruction means."""
