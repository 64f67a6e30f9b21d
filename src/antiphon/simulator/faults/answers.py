"""Answering with something else: the ways of the faults that have no use for the honest reply."""

from typing import Final

import msgspec

from antiphon.simulator.dialect import Problem
from antiphon.simulator.faults.fault import Damage, Scene
from antiphon.simulator.reply import Headers, Reply, plain

HTML: Final = (b"content-type", b"text/html; charset=utf-8")
TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
ERROR_PAGE: Final = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n"
    b"<body><center><h1>502 Bad Gateway</h1></center><hr>a proxy in between</body></html>\n"
)


def complaining(told: Problem, headers: Headers = ()) -> Damage:
    """Answers with this problem instead, in the words of the dialect.

    A dialect may tell in its envelope what the headers tell.
    """
    told = msgspec.structs.replace(told, headers=headers)

    def damage(_reply: Reply, scene: Scene) -> Reply:
        return scene.dialect.complain(told)

    return damage


def answering(body: bytes, *, status: int, headers: Headers) -> Damage:
    """Answers with these bytes instead."""

    def damage(_reply: Reply, _scene: Scene) -> Reply:
        return plain(body, status=status, headers=headers)

    return damage
