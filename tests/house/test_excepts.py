"""Who catches everything."""

import ast
import re

from tests.house.source import modules

LAST_RESORTS = {
    "server/writes.py": "a defect of one write must not end all that is under way, and is logged",
    "idempotency/answers.py": "a defect of one answer must not end all others, and is logged",
    "cache/flights.py": "a defect of one shared call is told to who waits for it, and logged",
    "gateway/background.py": "a service that fails is logged, shown in health and started again",
    "usage/captures/writer.py": "a capture that cannot be written must not stop the ledger",
    "server/cycle.py": "the caller of a defect gets an answer, and the log the reason",
    "routing/strategies/foreign.py": "a strategy that is not ours must cost nobody an answer",
    "server/reloads.py": "a defect of one reload ends neither the others nor the gateway",
    "server/doors.py": "the same, in the caller's dialect",
}


def test_only_last_resorts_catch_everything():
    found = set()
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _raises(node):
                found.add(path)
    assert found == set(LAST_RESORTS)


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(
        re.search(r"\b(Base)?Exception\b", ast.unparse(handler.type))
    )


def _raises(handler: ast.ExceptHandler) -> bool:
    """Whether it only tidies up: its last word is a bare `raise`."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
