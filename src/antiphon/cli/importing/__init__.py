"""Configurations of other gateways, read and written as ours; the core knows none of them."""
