"""Forms: any parts under any boundary keep every byte but the model's, and doubt is refused."""

from __future__ import annotations

import re
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import MalformedBody
from antiphon.wire.multipart import Form, is_form

BOUNDARY = st.from_regex(
    re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]"), fullmatch=True
).filter(str.isascii)
NAMES = st.text(st.characters(blacklist_characters='"\\\r\n\0', codec="utf-8"), max_size=20)
PART = st.tuples(NAMES, st.booleans(), st.binary(max_size=60))
MODELS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


def part(
    boundary: bytes, name: str, value: bytes, *, file: bool = False, more: bytes = b""
) -> bytes:
    lines = b'Content-Disposition: form-data; name="%b"' % name.encode()
    if file:
        lines += b'; filename="a b;c.mp3"\r\nContent-Type: audio/mpeg'
    return b"--%b\r\n%b%b\r\n\r\n%b\r\n" % (boundary, lines, more, value)


def form(*parts: bytes, boundary: bytes = b"edge") -> bytes:
    return b"%b--%b--\r\n" % (b"".join(parts), boundary)


def typed(boundary: str) -> bytes:
    return f'multipart/form-data; boundary="{boundary}"'.encode()


@given(BOUNDARY, st.lists(PART, max_size=4), st.lists(PART, max_size=4), MODELS, MODELS)
def test_every_byte_but_the_models_stays(boundary, before, after, model, other):
    mark = boundary.encode()
    before, after = (
        [each for each in parts if each[0] not in {"model", "stream"}] for parts in (before, after)
    )
    first = b"".join(part(mark, name, value, file=file) for name, file, value in before)
    last = b"".join(part(mark, name, value, file=file) for name, file, value in after)
    body = form(first, part(mark, "model", model.encode()), last, boundary=mark)
    wanted = form(first, part(mark, "model", other.encode()), last, boundary=mark)
    marks = len(before) + len(after) + 2
    if body.count(b"--" + mark) != marks:
        # No client chooses a boundary that its own parts hold.
        with pytest.raises(MalformedBody):
            Form.parse(body, typed(boundary), "model")
        return
    read = Form.parse(body, typed(boundary), "model", "stream")
    assert read.text("model") == model
    assert read.text("stream") is None
    assert read.replace("model", other.encode()) == wanted


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_nothing_worse(body):
    with pytest.raises(MalformedBody):
        Form.parse(body, b"multipart/form-data; boundary=edge-that-is-not-there", "model")


def told_by_another(body: bytes, content_type: bytes) -> list[bytes]:
    """The models of a form as the standard library's mail parser reads them."""
    read = BytesParser().parsebytes(b"Content-Type: " + content_type + b"\r\n\r\n" + body)
    assert read.is_multipart()
    return [
        part.get_payload(decode=True)
        for part in read.get_payload()
        if part.get_param("name", header="content-disposition") == "model"
    ]


SPOILING = (
    b"",
    b"\r\n",
    b"\n",
    b"--edge",
    b"--edge\r\n",
    b"\r\n--edge\r\n",
    b'"',
    b"\\",
    b";",
    b":",
)


@given(st.data())
def test_a_form_that_was_spoilt_is_refused_or_read_as_others_read_it(data):
    body = form(part(b"edge", "file", b"\0\xff" * 9, file=True), part(b"edge", "model", b"fast"))
    at = data.draw(st.integers(0, len(body)))
    spoilt = body[:at] + data.draw(st.sampled_from(SPOILING))
    if data.draw(st.booleans()):
        spoilt += body[at:]
    try:
        model = Form.parse(spoilt, typed("edge"), "model").text("model")
    except MalformedBody:
        return
    told = told_by_another(spoilt, typed("edge"))
    assert told == ([] if model is None else [model.encode()])


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b'multipart/form-data; boundary=""',
        b"multipart/form-data; boundary=" + b"x" * 71,
        b"multipart/form-data; boundary=edge; boundary=edge",
        b'multipart/form-data; boundary="edge',
        b'multipart/form-data; boundary="ed"ge',
        b"multipart/form-data; boundary=ed<ge",
        b"multipart/mixed; boundary=edge",
        b"application/json",
    ],
)
def test_content_types_without_a_usable_boundary(content_type):
    with pytest.raises(MalformedBody):
        Form.parse(form(part(b"edge", "model", b"fast")), content_type, "model")


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data; boundary=edge",
        b"Multipart/Form-Data;charset=utf-8;BOUNDARY=edge",
        b'multipart/form-data; boundary="edge"; ',
    ],
)
def test_content_types_as_clients_write_them(content_type):
    assert is_form(content_type)
    read = Form.parse(form(part(b"edge", "model", b"fast")), content_type, "model")
    assert read.text("model") == "fast"


MODEL = part(b"edge", "model", b"fast")
FILE = part(b"edge", "file", b"sound", file=True)


def head(lines: bytes) -> bytes:
    return b"--edge\r\n%b\r\n\r\nfast\r\n" % lines


@pytest.mark.parametrize(
    "parts",
    [
        (MODEL, MODEL),
        (part(b"edge", "model", b"fast", file=True),),
        (part(b"edge", "model", b"ZmFzdA==", more=b"\r\nContent-Transfer-Encoding: base64"),),
        (head(b'Content-Disposition: form-data; name="model"; name="other"'),),
        (head(b"Content-Disposition: form-data; name*=utf-8''model"),),
        (head(b"Content-Disposition: form-data; name=\"file\"; name*=utf-8''model"),),
        (head(b'Content-Disposition: form-data; name="mo\\del"'),),
        (head(b'Content-Disposition: form-data;\r\n name="model"'),),
        (
            head(
                b'Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="model"'
            ),
        ),
        (head(b'Content-Disposition: form-data; name="a"\nX: y'),),
        (head(b'Content-Disposition : form-data; name="model"'),),
        (head(b'Content-Disposition: attachment; name="model"'),),
        (head(b'Content-Disposition: form-data; name="model" x'),),
        (head(b"Content-Disposition: form-data"),),
        (head(b"Content-Type: text/plain"),),
        (head(b"X: " + b"y" * 20_000),),
        (part(b"edge", "file", b"--edge", file=True), MODEL),
        (part(b"edge", "file", b"\r\n--edgewise", file=True), MODEL),
        (part(b"edge", "file", b"\n--edge\n", file=True), MODEL),
        (b"preamble\r\n", MODEL),
        (FILE,) * 1_001,
    ],
    ids=range(21),
)
def test_what_could_be_read_in_two_ways(parts):
    with pytest.raises(MalformedBody):
        Form.parse(form(*parts), typed("edge"), "model")


def test_a_name_without_quotes_and_an_empty_value():
    body = form(head(b"content-disposition: form-data; name=model"), part(b"edge", "stream", b""))
    read = Form.parse(b"\r\n" + body, typed("edge"), "model", "stream")
    assert read.text("model") == "fast"
    assert read.text("stream") == ""
    with pytest.raises(MalformedBody):
        Form.parse(form(part(b"edge", "model", b"\xff")), typed("edge"), "model").text("model")
