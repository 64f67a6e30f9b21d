"""Metrics, and later traces and the request's log line."""
