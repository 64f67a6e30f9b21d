"""Answers that were given before, and calls that are shared while they are under way."""
