"""The road under load: the gateway, nginx as a plain reverse proxy, and no proxy, in turn.

Run it with `python -m benchmarks.road`; `docs/benchmarks.md` says what each figure means.
"""
