"""What Antiphon costs, measured beside nginx and beside nothing at all."""
