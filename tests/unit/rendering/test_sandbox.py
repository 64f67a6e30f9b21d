"""A template is a text with gaps, and can be nothing else."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.rendering.sandbox import LONGEST, MOST_ROUNDS, Sandbox
from antiphon.rendering.values import CannotRender, TemplateMistake

SANDBOX = Sandbox()
VALUES: dict[str, Any] = {
    "name": "Ada",
    "number": 3,
    "nothing": None,
    "lines": [{"name": "one", "phone": "1"}, {"name": "two", "phone": "2"}],
    "metadata": defaultdict(str, {"city": "Graz"}),
}


def filled(source: str, **values: Any) -> str:
    held = {**VALUES, **values}
    return SANDBOX.template(source, known=held).render(held)


GOOD = {
    "Hello {{ name }}": "Hello Ada",
    "{{ number + 1 }} {{ number - 1 }} {{ -number }}": "4 2 -3",
    "[{{ nothing }}]": "[]",
    "{{ name ~ number }}": "Ada3",
    "{{ metadata.city }}, {{ metadata['city'] }}, [{{ metadata.street }}]": "Graz, Graz, []",
    "{{ metadata.street | default('none') }}": "none",
    "[{{ metadata.default_factory }}{{ metadata.__class__ }}{{ metadata.get }}]": "[]",
    "{% if number > 2 and name == 'Ada' %}yes{% else %}no{% endif %}": "yes",
    "{{ 'a' if nothing else 'b' }}": "b",
    "{% for each in lines %}{{ loop.index }}{{ each.name }}{{ ', ' if not loop.last }}{% endfor %}": (
        "1one, 2two"
    ),
    "{% for each in lines if each.name == 'two' %}{{ each.phone }}{% endfor %}": "2",
    "{% for each in [] %}x{% else %}none{% endfor %}": "none",
    "{{ name | upper | lower | title | trim | capitalize }}": "Ada",
    "{{ lines | length }}{{ lines[0].name }}{{ (lines | last).name }}": "2onetwo",
    "{{ ['a', name] | join('-') }}": "a-Ada",
    "{{ name[0] }}{{ name[1:] }}": "Ada",
    "{{ name in ('Ada', 'Bo') }}{{ name is defined }}": "TrueTrue",
    "{% raw %}{{ name }}{% endraw %}{# a remark #}": "{{ name }}",
    "<b>&{{ name }}</b>": "<b>&Ada</b>",
    "a\n{% if name %}\nb\n{% endif %}\nc\n": "a\nb\nc",
}


@pytest.mark.parametrize("source", GOOD)
def test_what_a_template_can_do(source: str):
    assert filled(source) == GOOD[source]


ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ name.__class__.__mro__ }}",
    "{{ name['__class__'] }}",
    "{{ name|attr('__class__') }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__ }}",
    "{{ joiner.__init__ }}",
    "{{ namespace() }}",
    "{{ config }}",
    "{{ request }}",
    "{{ range(10) }}",
    "{{ dict(a=1) }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ name.format('x') }}",
    "{{ '{0.__class__}'.format(name) }}",
    "{{ '%s' % name }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ name.upper() }}",
    "{{ lines.append(1) }}",
    "{{ lines.pop() }}",
    "{{ metadata.update({'a': 1}) }}",
    "{{ 'x' * 1000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ 1 / 0 }}",
    "{{ 1 // 0 }}",
    "{{ {'a': 1} }}",
    "{{ lines|map(attribute='__class__')|list }}",
    "{{ name|center(1000000000) }}",
    "{{ name|indent(1000000000) }}",
    "{{ name|replace('a', name) }}",
    "{{ lines|tojson }}",
    "{{ lines|pprint }}",
    "{{ name|safe }}",
    "{{ name|format }}",
    "{{ lines|groupby('name') }}",
    "{{ lines|selectattr('__class__') }}",
    "{{ name is callable }}",
    "{{ name is filter }}",
    "{% set x = name %}{{ x }}",
    "{% set x %}{{ name }}{% endset %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% call name() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import path %}",
    "{% extends 'base' %}",
    "{% block b %}{% endblock %}",
    "{% with a = 1 %}{% endwith %}",
    "{% autoescape true %}{% endautoescape %}",
    "{% do name %}",
    "{% debug %}",
    "{% for each in lines recursive %}{{ loop(each) }}{% endfor %}",
    "{% for each in lines %}{{ loop.cycle('a') }}{% endfor %}",
    "{% for each in lines %}{{ loop._iterable }}{% endfor %}",
    "{% for each in lines %}{{ loop.__class__ }}{% endfor %}",
    "{% for each in name %}{% endfor %}",
    "{{ lines }}",
    "{{ metadata }}",
    "{{ lines[0] }}",
    "{{ lines[9].name }}",
    "{{ lines[0].nmae }}",
    "{{ name.nothing }}",
    "{{ nobody }}",
    "{{ caller }}",
    "{{ varargs }}",
    "{{ name",
    "{% if %}",
    "{% endif %}",
    "{{ " + "(" * 500 + "name" + ")" * 500 + " }}",
    "{{ " + "name ~ " * 3000 + "name }}",
    "{{ name }}" * 3000,
    "x" * (64 * 1024 + 1),
]


@pytest.mark.parametrize("source", ESCAPES, ids=range(len(ESCAPES)))
def test_what_no_template_can_do(source: str):
    with pytest.raises((TemplateMistake, CannotRender)) as caught:
        filled(source)
    assert "object at 0x" not in str(caught.value)


def test_a_mistake_says_where_it_is():
    with pytest.raises(TemplateMistake) as caught:
        SANDBOX.template("one\ntwo {{ modle }}\n", known=["model"])
    assert caught.value.line == 2
    assert str(caught.value) == "line 2: no value is called 'modle'; there is model"
    with pytest.raises(TemplateMistake, match="line 3"):
        SANDBOX.template("one\ntwo\n{% endif %}", known=[])


def test_it_tells_which_values_it_uses():
    template = SANDBOX.template(
        "{{ name }}{% for each in lines %}{{ each.name }}{{ loop.index }}{% endfor %}", known=VALUES
    )
    assert template.names == {"name", "lines"}


def test_the_size_of_what_comes_out_is_bounded():
    long = "x" * 1000
    with pytest.raises(CannotRender, match="characters"):
        filled("{% for each in lines %}{{ name }}{% endfor %}", lines=[1] * 1000, name=long)
    with pytest.raises(CannotRender, match="characters"):
        filled("{{ lines | join }}", lines=[long] * 1000)
    assert len(filled("{{ name }}", name="x" * LONGEST)) == LONGEST
    with pytest.raises(CannotRender):
        filled("{{ name }}", name="x" * (LONGEST + 1))


def test_the_rounds_of_all_loops_are_bounded():
    many = [1] * 150
    nested = "{% for a in lines %}{% for b in lines %}{% endfor %}{% endfor %}"
    with pytest.raises(CannotRender, match=str(MOST_ROUNDS)):
        filled(nested, lines=many)
    assert filled(nested, lines=[1] * 50) == ""
    # Each rendering has rounds of its own.
    template = SANDBOX.template("{% for a in lines %}{% endfor %}", known=["lines"])
    for _ in range(5):
        template.render({"lines": [1] * (MOST_ROUNDS // 2)})


@given(st.text(max_size=200) | st.sampled_from(ESCAPES).map(lambda text: text[:300]))
def test_values_are_data_and_never_a_template(value: str):
    held = {"name": value, "metadata": defaultdict(str, {"a": value})}
    template = SANDBOX.template("[{{ name }}|{{ metadata.a }}]", known=held)
    assert template.render(held) == f"[{value}|{value}]"


@given(st.text(alphabet="{}%#|.'()[] \nabfor_inifendxln", max_size=60))
def test_whatever_is_written_is_filled_in_or_refused(source: str):
    try:
        template = SANDBOX.template(source, known=["a", "b"])
        template.render({"a": "1", "b": ["2"]})
    except (TemplateMistake, CannotRender):
        pass
