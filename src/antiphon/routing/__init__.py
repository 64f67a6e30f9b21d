"""Rules that pick a pool, and strategies that order it."""
