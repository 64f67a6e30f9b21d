"""How much may be under way."""
