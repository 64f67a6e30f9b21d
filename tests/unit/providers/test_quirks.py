from __future__ import annotations

import msgspec
import pytest

from antiphon.providers.catalog import Catalog
from antiphon.providers.quirks import QUIRKS
from antiphon.wire.shallow import Members

MESSAGES = b'[ {"role":"user","content":"h\\u00e9 \xc3\xa9", "x": 1.50} ]'
BODY = b'{"model":"m", "messages":' + MESSAGES + b', "temperature": 0.70, "unknown": {"a" : 1}}'


def bent(quirk: str, body: bytes) -> bytes:
    return QUIRKS[quirk](Members.parse(body)).encode()


@pytest.mark.parametrize("name", sorted(set(QUIRKS) - {"fixed_sampling"}))
def test_a_body_that_needs_nothing_keeps_every_byte(name: str) -> None:
    assert bent(name, BODY) == BODY


@pytest.mark.parametrize("name", sorted(QUIRKS))
@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"messages":null,"tools":null,"tool_choice":null}',
        b'{"messages":"developer tool_calls [ reasoning","tools":{"strict":1}}',
        b'{"messages":["developer",["tool_calls"],1],"tools":["strict"]}',
        b'{"messages":[{"role":["developer"],"content":[{"type":"text","text":5}]}]}',
        b'{"messages":[{"role":"developer","content":[1]},{"tool_calls":7}]}',
        b'{"reasoning_effort":{"a":1},"thinking":7,"chat_template_kwargs":3,"stream":1}',
        b'{"reasoning_effort":"none","thinking":[],"chat_template_kwargs":"x","stream":"true"}',
        b'{"reasoning_effort":"none","chat_template_kwargs":null,"tools":7,"stream":true}',
        b'{"messages":[{"content":[]}],"tools":[{"function":"strict"},{"function":{"strict":{}}}]}',
    ],
)
def test_no_quirk_stumbles_over_a_wrong_shape(name: str, body: bytes) -> None:
    msgspec.json.decode(bent(name, body))


@pytest.mark.parametrize("name", sorted(QUIRKS))
def test_every_quirk_says_what_it_is_for(name: str) -> None:
    assert QUIRKS[name].__doc__


def test_every_quirk_is_needed_by_somebody(catalog: Catalog) -> None:
    rows = {
        quirk
        for row in catalog.values()
        for spoken in (row, *row.also.values())
        for quirk in spoken.quirks
    }
    models = {quirk for row in catalog.models.rows for quirk in row.quirks}
    assert rows | models == set(QUIRKS)


@pytest.mark.parametrize(
    ("quirk", "body", "expected"),
    [
        ("max_tokens_only", b'{"max_completion_tokens":5,"a":1.0}', b'{"a":1.0,"max_tokens":5}'),
        ("max_tokens_only", b'{"max_completion_tokens":5,"max_tokens":7}', b'{"max_tokens":7}'),
        (
            "max_tokens_only",
            b'{"max_completion_tokens":5,"max_tokens":null}',
            b'{"max_tokens":5}',
        ),
        ("max_completion_tokens_only", b'{"max_tokens":5}', b'{"max_completion_tokens":5}'),
        ("no_stream_options", b'{"stream":true,"stream_options":{}}', b'{"stream":true}'),
        ("fixed_sampling", b'{"n":1,"top_p":1,"temperature":0,"seed":3}', b'{"seed":3}'),
        ("auto_tool_choice_only", b'{"tool_choice":"required"}', b'{"tool_choice":"auto"}'),
        (
            "auto_tool_choice_only",
            b'{"tool_choice":{"type":"function","function":{"name":"f"}}}',
            b'{"tool_choice":"auto"}',
        ),
        ("auto_tool_choice_only", b'{"tool_choice":"none","tools":[],"a":1}', b'{"a":1}'),
        (
            "no_tool_strict",
            b'{"tools":[{"type":"function","function":{"name":"f","strict":true}} , {"b": 1}]}',
            b'{"tools":[{"type":"function","function":{"name":"f"}},{"b": 1}]}',
        ),
        (
            "no_tool_strict",
            b'{"tools":[{"function":{"parameters":{"strict": 1}}}]}',
            b'{"tools":[{"function":{"parameters":{"strict": 1}}}]}',
        ),
        (
            "developer_as_system",
            b'{"messages":[{"role":"developer", "content":"a"},{"role": "user","content":"\\u00e9"}]}',
            b'{"messages":[{"role":"system", "content":"a"},{"role": "user","content":"\\u00e9"}]}',
        ),
        (
            "developer_as_system",
            b'{"messages":[{"role":"user","content":"developer"}]}',
            b'{"messages":[{"role":"user","content":"developer"}]}',
        ),
        (
            "string_content",
            b'{"messages":[{"role":"user","content":[{"type":"text","text":"a\\n"},{"type":"text","text":"\\u00e9"}]}]}',
            b'{"messages":[{"role":"user","content":"a\\n\\u00e9"}]}',
        ),
        (
            "string_content",
            b'{"messages":[{"content":[{"type":"text","text":"a"},{"type":"image_url"}]}]}',
            b'{"messages":[{"content":[{"type":"text","text":"a"},{"type":"image_url"}]}]}',
        ),
        (
            "echo_reasoning",
            b'{"messages":[{"role":"assistant","tool_calls":[{}]}]}',
            b'{"messages":[{"role":"assistant","tool_calls":[{}],"reasoning_content":" "}]}',
        ),
        (
            "echo_reasoning",
            b'{"messages":[{"role":"assistant","tool_calls":[{}],"reasoning":"hm"}]}',
            b'{"messages":[{"role":"assistant","tool_calls":[{}],"reasoning":"hm","reasoning_content":"hm"}]}',
        ),
        (
            "echo_reasoning",
            b'{"messages":[{"role":"assistant","tool_calls":[{}],"reasoning_content":"hm"}]}',
            b'{"messages":[{"role":"assistant","tool_calls":[{}],"reasoning_content":"hm"}]}',
        ),
        (
            "thinking_switch",
            b'{"a":1.0,"reasoning_effort":"none"}',
            b'{"a":1.0,"thinking":{"type":"disabled"}}',
        ),
        (
            "thinking_switch",
            b'{"reasoning_effort":"low","a":1.0}',
            b'{"a":1.0,"thinking":{"type":"enabled"}}',
        ),
        (
            "thinking_switch",
            b'{"reasoning_effort":"none","thinking":{"type":"enabled","keep":"all"}}',
            b'{"thinking":{"type":"enabled","keep":"all"}}',
        ),
        ("three_efforts", b'{"reasoning_effort": "none"}', b'{"reasoning_effort": "low"}'),
        ("three_efforts", b'{"reasoning_effort":"minimal"}', b'{"reasoning_effort":"low"}'),
        (
            "three_efforts",
            b'{"reasoning_effort":"low", "a":1}',
            b'{"reasoning_effort":"low", "a":1}',
        ),
        ("three_efforts", b'{"reasoning_effort":"medium"}', b'{"reasoning_effort":"high"}'),
        ("three_efforts", b'{"reasoning_effort":"xhigh"}', b'{"reasoning_effort":"max"}'),
        ("three_efforts", b'{"reasoning_effort":"odd"}', b'{"reasoning_effort":"odd"}'),
        ("efforts_or_off", b'{"reasoning_effort":"none"}', b'{"thinking":{"type":"disabled"}}'),
        ("efforts_or_off", b'{"reasoning_effort":"medium"}', b'{"reasoning_effort":"high"}'),
        ("no_effort", b'{"reasoning_effort":"high","a":1}', b'{"a":1}'),
        ("efforts_to_max", b'{"reasoning_effort":"xhigh"}', b'{"reasoning_effort":"max"}'),
        ("efforts_to_max", b'{"reasoning_effort":"none"}', b'{"reasoning_effort":"none"}'),
        (
            "thinking_by_template",
            b'{"reasoning_effort":"none","a":1}',
            b'{"a":1,"chat_template_kwargs":{"enable_thinking":false}}',
        ),
        (
            "thinking_by_template",
            b'{"chat_template_kwargs":{"x": 1},"reasoning_effort":"none"}',
            b'{"chat_template_kwargs":{"x": 1,"enable_thinking":false}}',
        ),
        (
            "thinking_by_template",
            b'{"chat_template_kwargs":{"enable_thinking":true},"reasoning_effort":"none"}',
            b'{"chat_template_kwargs":{"enable_thinking":true}}',
        ),
        ("thinking_by_template", b'{"reasoning_effort":"high"}', b'{"reasoning_effort":"high"}'),
        (
            "tool_stream",
            b'{"stream":true, "tools":[{}]}',
            b'{"stream":true, "tools":[{}],"tool_stream":true}',
        ),
        ("tool_stream", b'{"stream":true,"tools":[]}', b'{"stream":true,"tools":[]}'),
        ("tool_stream", b'{"stream":false,"tools":[{}]}', b'{"stream":false,"tools":[{}]}'),
        (
            "tool_stream",
            b'{"stream":true,"tools":[{}],"tool_stream":false}',
            b'{"stream":true,"tools":[{}],"tool_stream":false}',
        ),
        (
            "no_reasoning_echo",
            b'{"messages":[{"role":"assistant","reasoning_content":"hm","content":"a"}]}',
            b'{"messages":[{"role":"assistant","content":"a"}]}',
        ),
    ],
)
def test_what_a_quirk_changes(quirk: str, body: bytes, expected: bytes) -> None:
    assert bent(quirk, body) == expected


@pytest.mark.parametrize("name", sorted(QUIRKS))
def test_a_quirk_leaves_what_it_was_given(name: str) -> None:
    effort = b"xhigh" if name == "efforts_to_max" else b"none"
    body = (
        b'{"stream":true,"reasoning_effort":"'
        + effort
        + b'","max_tokens":1,"max_completion_tokens":2,"tool_choice":"required","temperature":1,'
        b'"tools":[{"function":{"strict":true}}],"stream_options":{},"messages":[{"role":'
        b'"developer","content":[{"type":"text","text":"a"}]},{"role":"assistant","tool_calls":[1]},'
        b'{"role":"assistant","reasoning_content":"a"}]}'
    )
    members = Members.parse(body)
    assert QUIRKS[name](members).encode() != body
    assert members.encode() == body
