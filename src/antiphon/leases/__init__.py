"""Portions of shared money, taken from a store that several processes share and spent locally."""
