"""The life of one exchange: authenticate, admit, route, attempt, relay, record."""
