"""What callers said and were told, kept where a route asks for it: apart, bounded, for a time."""
