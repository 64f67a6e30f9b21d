"""Texts with gaps that data fills, in a sandbox."""
