"""Policies that keep answers coming while providers fail: they decide, the pipeline asks."""
