"""Templates in a sandbox (the port `model.rendering.Renderer`), on Jinja's syntax.

Whoever configures writes the template; what fills it may be a stranger's. So values are data and
are never read as a template, and a template can do little: show values and members of them, choose
(`if`), repeat (`for`), join and compare, and use the filters that stand here. It calls nothing,
sets nothing, includes nothing, computes nothing that grows, and never reaches an attribute of a
Python object. What it may be is a list of what is allowed, so what Jinja adds one day is not in it.

Work and size are bounded: rounds of all loops together, and characters of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

from jinja2 import (
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    Undefined,
    nodes,
    pass_context,
)
from jinja2.environment import Template as Compiled
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from typing_extensions import TypeIs, override

from antiphon.rendering.values import CannotRender, TemplateMistake, Value

LONGEST_SOURCE: Final = 64 * 1024
"""Characters of a template."""
LONGEST: Final = 64 * 1024
"""Characters of what comes out, and of a value that goes in."""
MOST_ROUNDS: Final = 10_000
"""Of all loops of one rendering together."""
_MOST_NODES: Final = 2_000
"""Of a template, once it is read: a few for each gap."""
_ROUNDS: Final = " rounds"
"""Where the counter of rounds lies among the values: no template can name it."""
_EACH: Final = " each"
"""The filter around what a loop goes over: no template can name it."""
_LOOP: Final = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})

_JINJAS: Final = ("self", "super", "caller", "varargs", "kwargs")
"""Names that Jinja fills in by itself."""
_ALLOWED: Final = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name),
    *(nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Tuple, nodes.List),
    *(nodes.If, nodes.CondExpr, nodes.For, nodes.Filter, nodes.Test, nodes.Keyword),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand),
    *(nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg),
)
_TESTS: Final = ("defined", "undefined", "none", "string", "number", "mapping", "sequence", "in")
_WHAT: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Call: "a call",
    nodes.Assign: "`set`",
    nodes.AssignBlock: "`set`",
    nodes.Macro: "`macro`",
    nodes.CallBlock: "`call`",
    nodes.Include: "`include`",
    nodes.Import: "`import`",
    nodes.FromImport: "`import`",
    nodes.Extends: "`extends`",
    nodes.Block: "`block`",
    nodes.FilterBlock: "`filter`",
    nodes.With: "`with`",
    nodes.Mul: "`*`",
    nodes.Pow: "`**`",
    nodes.Div: "`/`",
    nodes.FloorDiv: "`//`",
    nodes.Mod: "`%`",
    nodes.Dict: "a mapping",
}
"""How people are told of the most likely things that are not allowed."""


class Sandbox:
    """Makes templates.

    Args:
        longest: Characters of what comes out, at most.
    """

    __slots__ = ("_environment", "_longest")

    def __init__(self, *, longest: int = LONGEST) -> None:
        self._environment = _Environment()
        self._longest = longest

    def template(self, source: str, *, known: Collection[str]) -> SandboxedTemplate:
        """A template of a text.

        Args:
            source: The text.
            known: The names of the values that it may use.

        Raises:
            TemplateMistake: It cannot be read, does what no template may, or names what is not
                known.
        """
        if len(source) > LONGEST_SOURCE:
            raise TemplateMistake(1, f"is longer than {LONGEST_SOURCE >> 10} KiB")
        environment = self._environment
        try:
            tree = environment.parse(source)
            names = _check(tree, known)
            for loop in tree.find_all(nodes.For):
                loop.iter = _counted(loop)
            compiled = environment.from_string(tree)
        except TemplateSyntaxError as error:
            raise TemplateMistake(error.lineno, error.message or "cannot be read") from error
        except (TemplateError, RecursionError) as error:
            raise TemplateMistake(1, "is nested too deep, or cannot be read") from error
        return SandboxedTemplate(compiled, names, self._longest)


class SandboxedTemplate:
    """A text with gaps.

    Attributes:
        names: The values that it uses.
    """

    __slots__ = ("_compiled", "_longest", "names")

    def __init__(self, compiled: Compiled, names: frozenset[str], longest: int) -> None:
        self._compiled = compiled
        self.names = names
        self._longest = longest

    def render(self, values: Mapping[str, Value]) -> str:
        """The text, filled in.

        Raises:
            CannotRender: It would be too long, or its values do not fit.
        """
        pieces: list[str] = []
        left = self._longest
        try:
            for piece in self._compiled.generate({**values, _ROUNDS: _Rounds()}):
                left -= len(piece)
                if left < 0:
                    raise CannotRender(f"it would have more than {self._longest} characters")
                pieces.append(piece)
        except (TemplateError, TypeError, ValueError, LookupError) as error:
            raise CannotRender(str(error)) from error
        return "".join(pieces)


class _Rounds:
    """Counts the rounds of all loops of one rendering."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MOST_ROUNDS

    def of(self, values: Iterable[object]) -> Iterator[object]:
        for each in values:
            self._left -= 1
            if self._left < 0:
                raise CannotRender(f"its loops have more than {MOST_ROUNDS} rounds")
            yield each


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's own sandbox, with less in it."""

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            autoescape=False,
            optimized=False,
            finalize=_shown,
            keep_trailing_newline=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.globals.clear()
        self.filters = {**_FILTERS, _EACH: _each}
        self.tests = {name: self.tests[name] for name in _TESTS}

    @override
    def getattr(self, obj: object, attribute: str) -> object:
        """A member of a mapping, or what a loop tells of itself; never an attribute."""
        return self._member(obj, attribute)

    @override
    def getitem(self, obj: object, argument: object) -> object:
        """A member of a mapping or a list, or a piece of a list or text."""
        return self._member(obj, argument)

    def _member(self, obj: object, name: object) -> object:
        try:
            if _is_mapping(obj):
                return obj[name]
            if isinstance(obj, LoopContext) and name in _LOOP:
                told: object = getattr(obj, str(name))
                return told
            if (isinstance(obj, str) or _is_list(obj)) and _is_place(name):
                return obj[name]
        except (LookupError, TypeError):
            pass
        return self.undefined(obj=obj, name=str(name))


def _check(tree: nodes.Template, known: Collection[str]) -> frozenset[str]:
    """Refuse what no template may do, and names that nobody fills in; gives those it uses.

    Raises:
        TemplateMistake: At the first line where there is one.
    """
    every = [*_walk(tree)]
    if len(every) > _MOST_NODES:
        raise TemplateMistake(1, "has too many gaps")
    for node in every:
        if not isinstance(node, _ALLOWED):
            what = _WHAT.get(type(node), type(node).__name__)
            raise TemplateMistake(node.lineno or 1, f"{what} is not for templates here")
        if isinstance(node, nodes.For) and node.recursive:
            raise TemplateMistake(node.lineno, "a loop cannot be recursive here")
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            message = f"there is no filter {node.name!r}; there is {', '.join(sorted(_FILTERS))}"
            raise TemplateMistake(node.lineno, message)
        if isinstance(node, nodes.Test) and node.name not in _TESTS:
            message = f"there is no test {node.name!r}; there is {', '.join(_TESTS)}"
            raise TemplateMistake(node.lineno, message)
        if isinstance(node, nodes.Name) and node.name in _JINJAS:
            raise TemplateMistake(node.lineno, f"`{node.name}` is not for templates here")
    used = find_undeclared_variables(tree)
    unknown = used - set(known)
    for node in every:
        if isinstance(node, nodes.Name) and node.name in unknown:
            message = f"no value is called {node.name!r}; there is {', '.join(sorted(known))}"
            raise TemplateMistake(node.lineno, message)
    return frozenset(used)


def _is_list(value: object) -> TypeIs[list[object] | tuple[object, ...]]:
    return isinstance(value, list | tuple)


def _is_mapping(value: object) -> TypeIs[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _is_place(value: object) -> TypeIs[int | slice[int | None, int | None, int | None]]:
    return isinstance(value, int | slice)


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += reversed([*each.iter_child_nodes()])


def _counted(loop: nodes.For) -> nodes.Expr:
    made = nodes.Filter(loop.iter, _EACH, [], [], None, None)
    made.set_lineno(loop.lineno)
    return made


@pass_context
def _each(context: Context, values: object) -> Iterator[object]:
    """What a loop goes over, each round counted."""
    if isinstance(values, Undefined):
        # Says by itself what is missing.
        return iter(values)
    if not _is_list(values):
        raise CannotRender("a loop goes over a list")
    rounds = context[_ROUNDS]
    assert isinstance(rounds, _Rounds)
    return rounds.of(values)


def _shown(value: object) -> str:
    """A value as text; nothing for none."""
    if value is None:
        return ""
    if isinstance(value, Undefined | str | int | float):
        return str(value)
    raise CannotRender("a list or a mapping has no text of its own; name a member, or join it")


# ------------------------------------------------------------------ filters


def _default(value: object, other: object = "") -> object:
    return other if isinstance(value, Undefined) or value is None or value == "" else value


def _join(values: object, between: object = "") -> str:
    if not _is_list(values):
        raise CannotRender("`join` takes a list")
    told, gap = [_shown(each) for each in values], _shown(between)
    if sum(map(len, told)) + len(gap) * len(told) > LONGEST:
        raise CannotRender(f"it would have more than {LONGEST} characters")
    return gap.join(told)


def _length(value: object) -> int:
    if isinstance(value, str) or _is_list(value) or _is_mapping(value):
        return len(value)
    raise CannotRender("`length` takes a text or a list")


def _first(values: object) -> object:
    return values[0] if (isinstance(values, str) or _is_list(values)) and values else ""


def _last(values: object) -> object:
    return values[-1] if (isinstance(values, str) or _is_list(values)) and values else ""


def _of_text(change: Callable[[str], str]) -> Callable[[object], str]:
    def filtered(value: object) -> str:
        return change(_shown(value))

    return filtered


_FILTERS: Final[Mapping[str, Callable[..., object]]] = {
    "capitalize": _of_text(str.capitalize),
    "default": _default,
    "first": _first,
    "join": _join,
    "last": _last,
    "length": _length,
    "lower": _of_text(str.lower),
    "title": _of_text(str.title),
    "trim": _of_text(str.strip),
    "upper": _of_text(str.upper),
}
