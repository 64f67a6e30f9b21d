"""Lists of models, and what a server tells of one."""

import json

import pytest

from antiphon.dialects.ollama.listing import (
    LocalModel,
    read_models,
    read_show,
    read_shown_name,
    read_version,
    write_ps,
    write_show,
    write_tags,
    write_version,
)
from antiphon.errors import MalformedBody, NotAnAnswer
from antiphon.wire.shallow import Members

QWEN = LocalModel(
    "hf.co/a/qwen3:14b",
    modified=1735689600,
    size=9_000_000_000,
    digest="ab" * 32,
    format="gguf",
    family="qwen3",
    parameter_size="14.8B",
    quantization="Q4_K_M",
)


def test_tags() -> None:
    body = write_tags([QWEN, LocalModel("gpt")])
    listed = json.loads(body)["models"]
    assert listed[0] == {
        "name": "hf.co/a/qwen3:14b",
        "model": "hf.co/a/qwen3:14b",
        "size": 9_000_000_000,
        "digest": "ab" * 32,
        "details": {
            "parent_model": "",
            "format": "gguf",
            "family": "qwen3",
            "families": ["qwen3"],
            "parameter_size": "14.8B",
            "quantization_level": "Q4_K_M",
        },
        "modified_at": "2025-01-01T00:00:00Z",
    }
    assert len(listed[1]["digest"]) == 64
    assert (
        listed[1]["digest"] != json.loads(write_tags([LocalModel("other")]))["models"][0]["digest"]
    )
    assert read_models(body)[0] == QWEN
    assert json.loads(write_tags([])) == {"models": []}


def test_ps() -> None:
    loaded = LocalModel("m", digest="c" * 64, context_length=4096, expires=60, size_vram=7)
    body = write_ps([loaded])
    assert json.loads(body)["models"][0]["expires_at"] == "1970-01-01T00:01:00Z"
    assert read_models(body) == (loaded,)


def test_show() -> None:
    model = LocalModel("m", family="llama", context_length=131072, capabilities=("tools", "vision"))
    body = write_show(model)
    told = json.loads(body)
    assert told["model_info"] == {"general.architecture": "llama", "llama.context_length": 131072}
    assert told["capabilities"] == ["tools", "vision"]
    assert read_show(body, "m") == model
    bare = json.loads(write_show(LocalModel("m")))
    assert bare["capabilities"] == ["completion"]
    assert bare["model_info"] == {"general.architecture": "unknown"}


def test_what_servers_tell() -> None:
    """Older ones know no `model`; some tell no details."""
    body = b'{"models":[{"name":"a","details":null},{"model":"b","size":1},{"size":2}]}'
    assert read_models(body) == (LocalModel("a"), LocalModel("b", size=1))
    assert read_models(b'{"models":null}') == ()
    assert read_show(b"{}", "a") == LocalModel("a")
    odd = b'{"model_info":{"general.architecture":"x","x.context_length":"long"}}'
    assert read_show(odd, "a").context_length is None


def test_version() -> None:
    assert json.loads(write_version("0.13.0")) == {"version": "0.13.0"}
    assert read_version(write_version("0.13.0")) == "0.13.0"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"models":1,"version":1}'])
def test_what_is_none(body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        read_models(body)
    with pytest.raises(NotAnAnswer):
        read_version(body)
    with pytest.raises(NotAnAnswer):
        read_show(body[:-1] + b"!", "m")


def test_the_model_that_is_asked_for() -> None:
    assert read_shown_name(Members.parse(b'{"model":"a:1","name":"b"}')) == "a:1"
    assert read_shown_name(Members.parse(b'{"name":"b"}')) == "b"
    for body in (b"{}", b'{"model":""}', b'{"model":1}'):
        with pytest.raises(MalformedBody):
            read_shown_name(Members.parse(body))
