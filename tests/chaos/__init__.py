"""Chaos: providers that fail in every way there is, and what their callers get all the same."""
