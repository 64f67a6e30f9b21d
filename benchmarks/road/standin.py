"""The pretend provider: nginx answering fixed bytes, on one port for each kind of answer."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import trustme

from benchmarks.road import answers
from benchmarks.road.machine import Cores, Tools
from benchmarks.road.process import Process, running
from benchmarks.road.ready import wait_until_ready
from benchmarks.road.template import fill, free_ports, nginx_user

BURST_EVENTS = 100
DRIP_PAUSE = 0.02
SLOW_PAUSE = 0.5


class Kind(StrEnum):
    """The kinds of answer; each has its own port."""

    PLAIN = "plain"
    HIT = "hit"
    MISS = "miss"
    EVERYTHING = "everything"
    TLS = "tls"
    BURST = "burst"
    ONE = "one"
    SIZED = "sized"
    DRIP = "drip"
    SLOW = "slow"
    MESSAGES = "messages"
    MESSAGES_ONE = "messages-one"
    MESSAGES_BURST = "messages-burst"

    @property
    def is_translated(self) -> bool:
        """Whether the caller speaks Messages, while the stand-in says the same in Chat."""
        return self in {Kind.MESSAGES, Kind.MESSAGES_ONE, Kind.MESSAGES_BURST}

    @property
    def is_cached(self) -> bool:
        """Whether the gateway's route keeps answers: for one question, or for ever new ones."""
        return self in {Kind.HIT, Kind.MISS}

    @property
    def is_new(self) -> bool:
        """Whether no two questions are the same."""
        return self in {Kind.MISS, Kind.EVERYTHING}


@dataclass(frozen=True, slots=True)
class Standin:
    """Where the pretend provider listens and what exactly it says."""

    process: Process
    ports: dict[Kind, int]
    streams: dict[Kind, answers.Stream]
    ca_file: Path

    def expected(self, kind: Kind) -> bytes:
        """Return the body that a caller must receive."""
        if (stream := self.streams.get(kind)) is not None:
            return stream.body
        return answers.completion()


@contextlib.contextmanager
def standing_in(
    tools: Tools, cores: Cores, folder: Path, *, drip_events: int, slow_events: int
) -> Iterator[Standin]:
    """Run the stand-in on the cores of the load."""
    folder.mkdir()
    ports = dict(zip(Kind, free_ports(len(Kind)), strict=True))
    burst = answers.stream(BURST_EVENTS)
    streams = {
        Kind.BURST: burst,
        Kind.ONE: answers.stream(1),
        Kind.MESSAGES_ONE: answers.stream(1),
        Kind.MESSAGES_BURST: burst,
        Kind.SIZED: burst,
        Kind.DRIP: answers.stream(drip_events),
        Kind.SLOW: answers.stream(slow_events),
    }
    _write_answers(folder, streams)
    ca_file = _write_certificates(folder)
    values = {kind.name: port for kind, port in ports.items()} | {
        "ECHO_MODULE": tools.echo_module,
        "USER": nginx_user(),
        "COMPLETION": answers.completion().decode(),
    }
    (folder / "standin.conf").write_text(fill("nginx/standin.conf", values), encoding="utf-8")
    command = [tools.nginx, "-p", str(folder), "-c", "standin.conf", "-e", "stderr"]
    with running("standin", command, folder=folder, cores=cores.load) as process:
        wait_until_ready(process, ports[Kind.PLAIN], path="/")
        yield Standin(process, ports, streams, ca_file)


def _write_answers(folder: Path, streams: dict[Kind, answers.Stream]) -> None:
    (folder / "burst.sse").write_bytes(streams[Kind.SIZED].body)
    for kind, pause in (
        (Kind.BURST, 0.0),
        (Kind.ONE, 0.0),
        (Kind.MESSAGES_ONE, 0.0),
        (Kind.MESSAGES_BURST, 0.0),
        (Kind.DRIP, DRIP_PAUSE),
        (Kind.SLOW, SLOW_PAUSE),
    ):
        after = f" echo_flush; echo_sleep {pause:g};" if pause else ""
        lines = [f"echo -n '{_quoted(frame)}';{after}" for frame in streams[kind].frames]
        # Nothing follows the last frame: the answer ends with it.
        lines[-1] = lines[-1].removesuffix(after)
        (folder / f"{kind}.echo").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quoted(frame: bytes) -> str:
    """Write a frame as nginx reads it between single quotes; a dollar would start a variable."""
    text = frame.decode()
    if any(character in text for character in "'\\$"):
        raise ValueError(f"nginx would change this frame: {text!r}")
    return text.replace("\n", "\\n")


def _write_certificates(folder: Path) -> Path:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(str(folder / "standin.key"))
    with (folder / "standin.crt").open("wb") as chain:
        for part in certificate.cert_chain_pems:
            chain.write(part.bytes())
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    return ca_file
