"""The outside world: files, clock, terminal, and the session that joins them to the engine."""
