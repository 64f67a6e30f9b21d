"""Framing: SSE, NDJSON, and JSON read one level deep. No I/O, no clock, no meaning."""
