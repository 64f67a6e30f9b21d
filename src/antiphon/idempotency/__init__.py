"""Requests that are asked again get the answer of the first time (`Idempotency-Key`)."""
