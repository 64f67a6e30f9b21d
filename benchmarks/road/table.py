"""The readable side of a run: a table for each case, then each promise with its verdict."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.figures import Figure
from benchmarks.road.results import Results, Spread, spread
from benchmarks.road.standin import BURST_EVENTS, Kind
from benchmarks.road.targets import DIRECT, NGINX
from benchmarks.road.weigh import SOAK_FIRST, SOAK_SECOND

Row = Sequence[str]
STRANGERS = 0.05
_US = ".1f"


def tables(results: Results) -> Iterator[str]:
    """Write the table of every case that was measured."""
    for case in results.cases:
        title, head, row = _TABLES[case]
        rows = [[_name(case, target), *row(results, target)] for target in results.targets(case)]
        yield f"{title}\n{_grid([['', *head], *rows])}"


def warnings(results: Results) -> Iterator[str]:
    """Say where another program took so much of the core under test that figures suffer."""
    for case in results.cases:
        shares = [
            s.values["strangers"]
            for s in results.samples
            if s.case == case and "strangers" in s.values
        ]
        if shares and max(shares) > STRANGERS:
            disturbed = sum(share > STRANGERS for share in shares)
            yield (
                f"{case}: other programs ran on the core under test in {disturbed} of"
                f" {len(shares)} measurements (up to {max(shares):.0%} of it)"
            )


def verdicts(figures: dict[str, Figure], measured: dict[str, float]) -> str:
    """Write each figure to reach beside what was measured."""
    rows = [["figure", "measured", "to reach", ""]]
    for name, figure in figures.items():
        if name in measured:
            value = measured[name]
            rows.append(
                [figure.title, f"{value:.2f} {figure.unit}", figure.limit, figure.judge(value)]
            )
        else:
            rows.append([figure.title, "not measured", figure.limit, ""])
    return _grid(rows)


def measured_figures(results: Results, target: str) -> dict[str, float]:
    """Return the value of each figure that this run measured for a target."""
    found = {
        "plain_ratio": results.ratio("plain", Kind.PLAIN, target, "cpu_us", to=NGINX),
        "hit_ratio": results.ratio("hit", Kind.HIT, target, "cpu_us", to=NGINX),
        "everything_ratio": results.ratio(
            "everything", Kind.EVERYTHING, target, "cpu_us", to=NGINX
        ),
        "miss_ratio": results.ratio("miss", Kind.MISS, target, "cpu_us", to=NGINX),
        "burst_event_us": marginal(results, target, Kind.BURST),
        "burst_event_total_us": _per_event(results, target, Kind.BURST),
        "translated_ratio": _translated(results, target),
        "translated_event_us": spread(
            [
                value / BURST_EVENTS
                for value in results.values("translated", Kind.MESSAGES_BURST, target, "cpu_us")
            ]
        ),
        "drip_ratio": results.ratio("drip", Kind.DRIP, target, "cpu_us_event", to=NGINX),
        "startup_s": results.spread("startup", Kind.PLAIN, target, "ready_s"),
        "idle_mb": results.spread("memory", Kind.SLOW, target, "idle_rss_mb"),
        "streams_mb": results.spread("memory", Kind.SLOW, target, "streams_rss_mb"),
        "soak_mb": results.spread("soak", Kind.PLAIN, target, "grown_rss_mb"),
    }
    return {name: value.middle for name, value in found.items() if value is not None}


def marginal(results: Results, target: str, kind: Kind) -> Spread | None:
    """Return what one more event costs: the answer of 100 less the answer of one, over 99."""
    many = results.values("burst", kind, target, "cpu_us")
    one = results.values("burst", Kind.ONE, target, "cpu_us")
    return spread([(a - b) / (BURST_EVENTS - 1) for a, b in zip(many, one, strict=False)])


def _per_event(results: Results, target: str, kind: Kind) -> Spread | None:
    return spread([v / BURST_EVENTS for v in results.values("burst", kind, target, "cpu_us")])


def _translated(results: Results, target: str) -> Spread | None:
    """Return what a request costs whose caller speaks Messages, over one who speaks Chat."""
    mine, plain = (
        results.values("translated", kind, target, "cpu_us") for kind in (Kind.MESSAGES, Kind.PLAIN)
    )
    return spread([a / b for a, b in zip(mine, plain, strict=False) if b])


def _translation(results: Results, target: str) -> Row:
    def of(kind: Kind) -> str:
        return _show(results.spread("translated", kind, target, "cpu_us"), _US)

    many, one = (
        results.values("translated", kind, target, "cpu_us")
        for kind in (Kind.MESSAGES_BURST, Kind.MESSAGES_ONE)
    )
    marginal_us = spread([(a - b) / (BURST_EVENTS - 1) for a, b in zip(many, one, strict=False)])
    return (
        of(Kind.PLAIN),
        of(Kind.MESSAGES),
        _show(_translated(results, target), ".2f"),
        of(Kind.MESSAGES_ONE),
        of(Kind.MESSAGES_BURST),
        _show(marginal_us, ".2f"),
    )


def _full_speed(kind: Kind) -> Callable[[Results, str], Row]:
    def row(results: Results, target: str) -> Row:
        case = str(kind)
        return (
            _show(results.spread(case, kind, target, "cpu_us"), _US),
            _show(results.ratio(case, kind, target, "cpu_us", to=NGINX), ".2f"),
            _show(results.spread(case, kind, target, "rps"), ",.0f"),
            _percent(results.spread(case, kind, target, "tested_core_busy")),
            _percent(results.spread(case, kind, target, "load_cores_busy")),
        )

    return row


def _latency(results: Results, target: str) -> Row:
    def cells(name: str) -> Iterator[str]:
        yield _show(results.spread("latency", Kind.PLAIN, target, name), ".0f")
        added = results.added("latency", Kind.PLAIN, target, name, to=DIRECT)
        yield "" if target == DIRECT else _show(added, ".0f")

    return (*cells("p50_us"), *cells("p99_us"))


def _burst(results: Results, target: str) -> Row:
    return (
        *(
            _show(results.spread("burst", kind, target, "cpu_us"), _US)
            for kind in (Kind.ONE, Kind.BURST)
        ),
        _show(marginal(results, target, Kind.BURST), ".2f"),
        _show(_per_event(results, target, Kind.BURST), ".2f"),
        _show(marginal(results, target, Kind.SIZED), ".2f"),
    )


def _drip(results: Results, target: str) -> Row:
    def of(name: str, form: str) -> str:
        return _show(results.spread("drip", Kind.DRIP, target, name), form)

    return (
        of("cpu_us_event", ".2f"),
        _show(results.ratio("drip", Kind.DRIP, target, "cpu_us_event", to=NGINX), ".2f"),
        of("events_per_second", ",.0f"),
        of("gap_p50_ms", ".1f"),
        of("gap_p99_ms", ".1f"),
        of("events_per_read", ".2f"),
    )


def _memory(results: Results, target: str) -> Row:
    names = ("idle_rss_mb", "idle_pss_mb", "streams_rss_mb", "streams_pss_mb", "kept_rss_mb")
    return [_show(results.spread("memory", Kind.SLOW, target, name), ".1f") for name in names]


def _soak(results: Results, target: str) -> Row:
    names = (f"rss_{SOAK_FIRST}_mb", f"rss_{SOAK_SECOND}_mb", "grown_rss_mb", "grown_pss_mb")
    return [_show(results.spread("soak", Kind.PLAIN, target, name), ".1f") for name in names]


def _startup(results: Results, target: str) -> Row:
    return (_show(results.spread("startup", Kind.PLAIN, target, "ready_s"), ".3f"),)


_SPEED_HEAD = ("CPU us/request", "x nginx", "requests/s", "its core busy", "load cores busy")
_TABLES: dict[str, tuple[str, Row, Callable[[Results, str], Row]]] = {
    "plain": ("1 KB request, 32 connections, keep-alive", _SPEED_HEAD, _full_speed(Kind.PLAIN)),
    "hit": ("the same, always the same one, kept", _SPEED_HEAD, _full_speed(Kind.HIT)),
    "miss": ("the same, never the same one, kept", _SPEED_HEAD, _full_speed(Kind.MISS)),
    "everything": (
        "the same with a key of the database, limits and four budgets besides",
        _SPEED_HEAD,
        _full_speed(Kind.EVERYTHING),
    ),
    "tls": ("the same, upstream over TLS", _SPEED_HEAD, _full_speed(Kind.TLS)),
    "latency": (
        "latency in us at a fixed rate, open loop; added = over direct in the same round",
        ("p50", "added p50", "p99", "added p99"),
        _latency,
    ),
    "burst": (
        "a streamed answer at once, 32 connections: CPU in us",
        (
            "answer of 1 event",
            "answer of 100",
            "an event (marginal)",
            "an event (total/100)",
            "an event, not chunked (marginal)",
        ),
        _burst,
    ),
    "translated": (
        "the caller speaks Messages, the provider Chat: CPU in us",
        (
            "1 KB, Chat to Chat",
            "1 KB, translated",
            "x",
            "answer of 1 event",
            "answer of 100",
            "an event (marginal)",
        ),
        _translation,
    ),
    "drip": (
        "300 streams, one event per 20 ms",
        ("CPU us/event", "x nginx", "events/s", "gap p50 ms", "gap p99 ms", "events/read"),
        _drip,
    ),
    "memory": (
        "memory in MB (of all its processes)",
        ("idle RSS", "idle PSS", "1,000 streams +RSS", "+PSS", "kept after them"),
        _memory,
    ),
    "soak": (
        "memory in MB after many requests",
        (f"after {SOAK_FIRST:,}", f"after {SOAK_SECOND:,}", "grown RSS", "grown PSS"),
        _soak,
    ),
    "startup": ("exec to 200, in s", ("ready",), _startup),
}


def _name(case: str, target: str) -> str:
    # Nothing stands between on the direct road: what is counted there is the stand-in itself.
    counted = case in {"plain", "tls", "burst", "drip"} and target == DIRECT
    return "direct (the stand-in)" if counted else target


def _show(value: Spread | None, form: str) -> str:
    return value.show(form) if value is not None else "-"


def _percent(value: Spread | None) -> str:
    return f"{value.middle:.0%}" if value is not None else "-"


def _grid(rows: Sequence[Row]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(["  " + line for line in lines])
