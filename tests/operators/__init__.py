"""Operators as real processes, for tests, bench and demo."""
