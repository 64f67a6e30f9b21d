"""Coding agents as clients: their requests, rebuilt by hand, and the rules by which they read."""
