"""Composition root: builds, starts, drains and stops a gateway."""
