"""Errors of providers, read: what it was, and what it says about trying again."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from antiphon.dialects.fields import UNREADABLE, Fields
from antiphon.dialects.readings import (
    BAD_KEY,
    BAD_REQUEST,
    BROKEN,
    BY_CODE,
    BY_STATUS,
    BY_TEXT,
    BY_TYPE,
    FOREIGN_REASONING,
    FOREIGN_REASONING_CODES,
    FOREIGN_REASONING_TEXT,
    NOT_SERVED,
    VAGUE,
    Reading,
)
from antiphon.dialects.redaction import without_addresses, without_keys
from antiphon.errors import Disposition, MalformedBody, NotAnAnswer, UpstreamRefused

_LONGEST_WAIT = 86_400.0
_LONGEST_SEARCHED = 4000
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_DATE = re.compile(rb"\b(\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT")
_MONTHS = (b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec").split()
_STATUSES = range(400, 600)


class Envelope(msgspec.Struct, frozen=True):
    """What an error body says, in whichever shape.

    Attributes:
        status: The status that the body itself states; 0 if none.
    """

    message: str = ""
    code: str = ""
    type: str = ""
    param: str | None = None
    status: int = 0

    @property
    def reading(self) -> Reading | None:
        """What its own words say, where they say enough."""
        return BY_CODE.get(self.code) or BY_CODE.get(self.type) or BY_TYPE.get(self.type)


def read_error(status: int, headers: Mapping[bytes, bytes], body: bytes) -> UpstreamRefused:
    """Read a provider's refusal."""
    refusal = refusal_of(
        read_envelope(body), status=status, body=body, retry_after=read_retry_after(headers)
    )
    if headers.get(b"x-should-retry") == b"false":
        refusal.should_retry = False
    return refusal


def refusal_of(
    envelope: Envelope | None,
    *,
    status: int,
    body: bytes = b"",
    retry_after: float | None = None,
) -> UpstreamRefused:
    """The error that an envelope describes; None is a body of no known shape."""
    if envelope is None:
        reading, envelope = _read_unshaped(status, body), _describe(status, body)
    else:
        reading = _read(status or envelope.status, envelope)
    foreign = is_foreign_reasoning(envelope, status or envelope.status)
    if foreign:
        reading = BAD_REQUEST
    message = envelope.message or f"The provider answered with status {status}."
    if reading.disposition not in {Disposition.CALLERS_FAULT, Disposition.CONTEXT_LENGTH}:
        message = without_addresses(message)
    message = without_keys(message)
    if reading is BAD_KEY:
        message = f"The provider refused the gateway's key: {message}"
    return UpstreamRefused(
        message,
        kind=reading.kind,
        disposition=reading.disposition,
        code=FOREIGN_REASONING if foreign else _code_of(envelope, status),
        upstream_status=status or envelope.status or None,
        retry_after=retry_after,
        param=envelope.param,
    )


def is_foreign_reasoning(envelope: Envelope, status: int) -> bool:
    """Whether a provider refuses thought that it did not seal, or whose seal is broken."""
    if status and status not in VAGUE:
        return False
    return envelope.code in FOREIGN_REASONING_CODES or (
        FOREIGN_REASONING_TEXT.search(envelope.message[:_LONGEST_SEARCHED]) is not None
    )


def read_envelope(body: bytes) -> Envelope | None:
    """What an error body says; None where it is no JSON object, or speaks of no error."""
    if not body.isascii():
        # What is said is shown to people: better a broken letter than a broken reader.
        body = body.decode(errors="replace").encode()
    try:
        fields = Fields.parse(body.strip().removeprefix(b"[").removesuffix(b"]"), "")
    except MalformedBody:
        return None
    if fields.begins("error", b"{"):
        inner = fields.object("error")
        assert inner is not None
        return _envelope(inner, fields)
    if fields.begins("error", b'"'):
        return _envelope(fields, fields, message=fields.text("error") or "")
    if fields.begins("errors", b"[") and (first := _first_of(bytes(fields.raw("errors")))):
        # Cloudflare's own envelope.
        return _envelope(first, fields)
    if "detail" in fields or "message" in fields or _word(fields, "object") == "error":
        said = _detail(bytes(fields.raw("detail"))) if "detail" in fields else ""
        return _envelope(fields, fields, message=said)
    return None


def read_retry_after(headers: Mapping[bytes, bytes]) -> float | None:
    """Seconds until a retry may succeed: from `retry-after-ms`, else `retry-after`.

    A date is read against the answer's own `date`, because a dialect has no clock. A time that
    has passed is no hint: to pass it on would be to ask for a storm.
    """
    milliseconds = _seconds(headers.get(b"retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get(b"retry-after")
    seconds = _seconds(value)
    if seconds is not None or value is None:
        return seconds
    then, now = _date(value), _date(headers.get(b"date"))
    return None if then is None or now is None else _bounded(then - now)


# ------------------------------------------------------------------ reading


def _read(status: int, envelope: Envelope) -> Reading:
    reading = envelope.reading
    if reading is None and status in VAGUE:
        text = f"{envelope.code} {envelope.message}"
        reading = next((read for phrase, read in BY_TEXT if phrase.search(text)), None)
    return reading or _by_status(status)


def _by_status(status: int) -> Reading:
    default = BROKEN if status >= 500 else NOT_SERVED  # noqa: PLR2004
    return BY_STATUS.get(status, default)


def _read_unshaped(status: int, body: bytes) -> Reading:
    """A page of a proxy, plain text, nothing: only the status speaks, and less surely."""
    if is_html(body) and status in {400, 403, 404}:
        return NOT_SERVED
    return _read(status, Envelope(message=body[:1000].decode(errors="replace")))


def _describe(status: int, body: bytes) -> Envelope:
    if is_html(body):
        return Envelope(f"The provider answered with status {status} and a web page.")
    text = body[:500].decode(errors="replace").strip()
    if text.startswith('"') and isinstance(said := _decoded(body), str):
        text = said[:500].strip()  # SiliconFlow: a string, and nothing around it
    return Envelope(text or f"The provider answered with status {status} and an empty body.")


def no_reply(body: bytes) -> NotAnAnswer:
    """Why a body that tells no error is no reply either."""
    if not body.strip():
        return NotAnAnswer("The provider's answer is empty.", code="empty_body")
    if is_html(body):
        return NotAnAnswer("The provider answered with a web page.", code="html_body")
    return NotAnAnswer("The provider's answer is no reply.", code="bad_body")


def is_html(body: bytes) -> bool:
    """Whether a body is a web page."""
    return body[:256].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def _envelope(inner: Fields, outer: Fields, *, message: str = "") -> Envelope:
    code = _word(inner, "code") or _detail_of(inner) or _word(outer, "code")
    kind = _word(inner, "type") or _word(outer, "error_type") or _word(outer, "type")
    stated = _first_word(outer, inner) or code
    status = int(stated) if stated.isdecimal() and len(stated) == 3 else 0  # noqa: PLR2004
    return Envelope(
        message or _message(inner),
        code,
        kind,
        _word(inner, "param") or None,
        status if status in _STATUSES else 0,
    )


def _detail_of(inner: Fields) -> str:
    """Anthropic's finer code: `details.error_code`."""
    details = inner.object("details") if inner.begins("details", b"{") else None
    return _word(details, "error_code") if details is not None else ""


def _detail(raw: bytes) -> str:
    """FastAPI's `detail`: a text, or a list of what is wrong where."""
    try:
        faults = msgspec.json.decode(raw, type=list[_Fault])
    except UNREADABLE:
        text = _decoded(raw)
        return text if isinstance(text, str) else raw.decode()
    return "; ".join(f"{'.'.join(map(str, each.loc))}: {each.msg}" for each in faults)


class _Fault(msgspec.Struct):
    msg: str
    loc: list[str | int] = []


def _first_of(raw: bytes) -> Fields | None:
    """The first of a list of objects."""
    try:
        every = msgspec.json.decode(raw, type=list[msgspec.Raw])
        return Fields.parse(bytes(every[0]), "") if every else None
    except (*UNREADABLE, MalformedBody):
        return None


def _decoded(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return None


def _message(fields: Fields) -> str:
    text = _word(fields, "message")
    if not text and "message" in fields:
        text = bytes(fields.raw("message")).decode(errors="replace")
    if fields.begins("metadata", b"{"):
        # OpenRouter: "Provider returned error", and the provider's own words beside it.
        inner = fields.object("metadata")
        raw = _word(inner, "raw") if inner is not None else ""
        text = f"{text}: {raw}" if raw else text
    return text


def _word(fields: Fields, name: str) -> str:
    """A member as text, where it is text or a number."""
    if fields.begins(name, b'"'):
        try:
            return fields.text(name) or ""
        except MalformedBody:
            return ""
    if name in fields and not any(fields.begins(name, byte) for byte in (b"{", b"[", b"t", b"f")):
        return bytes(fields.raw(name)).decode()
    return ""


def _first_word(outer: Fields, inner: Fields) -> str:
    words = (_word(outer, "http_status_code"), _word(inner, "status_code"), _word(inner, "status"))
    return next((word for word in words if word), "")


def _code_of(envelope: Envelope, status: int) -> str:
    code = envelope.code
    if not (code.isdecimal() and int(code) in _STATUSES) and _is_word(code):
        return code
    if _is_word(envelope.type):
        return envelope.type
    shown = status or envelope.status
    return f"http_{shown}" if shown else "upstream_error"


def _is_word(code: str) -> bool:
    """Whether it can be shown: it is short, and no key that the provider repeats."""
    return _CODE.fullmatch(code) is not None and without_keys(code) == code


# ------------------------------------------------------------------ retry-after


def _seconds(value: bytes | None) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return _bounded(number) if math.isfinite(number) else None


def _bounded(seconds: float) -> float | None:
    return min(seconds, _LONGEST_WAIT) if seconds >= 0 else None


def _date(value: bytes | None) -> float | None:
    if value is None:
        return None
    match = _DATE.search(value)
    if match is None:
        return None
    day, month, year, hour, minute, second = match.groups()
    try:
        when = datetime(
            int(year),
            _MONTHS.index(month) + 1,
            int(day),
            int(hour),
            int(minute),
            int(second),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return when.timestamp()
