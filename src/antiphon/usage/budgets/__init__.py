"""Budgets: reserved before each attempt, settled after it, shared by leases."""
