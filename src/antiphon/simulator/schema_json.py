"""JSON that fits a schema, the same for the same dice.

Covers the schemas that people send to models: objects, arrays, enumerations, bounds, formats,
alternatives and references. Where a schema refers to itself, the value ends as soon as the schema
allows. `pattern` is met for simple ones only (`pattern_text`); `not`, `if` and `dependentSchemas`
are ignored. A schema that wants very much is given as much as `_MOST` allows: the value is cut
short there, and fits no longer.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias, Union

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from antiphon.simulator.dice import Dice
from antiphon.simulator.pattern_text import text_for

AnySchema: TypeAlias = Union["Schema", bool]
_DEEP = 4
_BOTTOMLESS = 64
_MOST = 10_000
"""Values and words that are made, and schemas that are looked up, at most."""
_LETTERS = 16


class Schema(Struct, frozen=True, rename="camel"):
    """The keywords that decide what fits; all others are read past."""

    ref: str | None = field(default=None, name="$ref")
    defs: dict[str, AnySchema] = field(default_factory=dict[str, AnySchema], name="$defs")
    definitions: dict[str, AnySchema] = {}
    type: str | list[str] | None = None
    enum: list[object] | None = None
    const: object | UnsetType = UNSET
    any_of: list[AnySchema] | None = None
    one_of: list[AnySchema] | None = None
    all_of: list[AnySchema] | None = None
    properties: dict[str, AnySchema] = {}
    required: list[str] = []
    additional_properties: AnySchema = True
    min_properties: int = 0
    items: AnySchema = True
    prefix_items: list[AnySchema] = []
    min_items: int = 0
    max_items: int | None = None
    unique_items: bool = False
    min_length: int = 0
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | bool | None = None
    exclusive_maximum: float | bool | None = None
    multiple_of: float | None = None


def fitting(schema: AnySchema, dice: Dice) -> object:
    """A value that fits the schema."""
    return _Maker(schema, dice).make(schema, 0)


def schema_from(raw: bytes | msgspec.Raw) -> AnySchema:
    """A schema as it stands in a request.

    Raises:
        msgspec.ValidationError: a keyword has a value of the wrong type.
    """
    return _DECODER.decode(raw)


class _Maker:
    """Makes values of one root schema, whose definitions it knows."""

    def __init__(self, root: AnySchema, dice: Dice) -> None:
        self._root = root
        self._named = {**root.definitions, **root.defs} if isinstance(root, Schema) else {}
        self._dice = dice
        self._left = _MOST

    def make(self, schema: AnySchema, depth: int, *, name: str = "") -> object:
        self._left -= 1
        if depth > _BOTTOMLESS or self._left < 0:
            return None  # A schema that requires itself has no value at all.
        if isinstance(schema, bool):
            return self._dice.choice(_WORDS)
        schema = self._resolved(schema)
        if not isinstance(schema.const, UnsetType):
            return schema.const
        if schema.enum:
            return self._dice.choice(schema.enum)
        if alternatives := schema.any_of or schema.one_of:
            return self.make(self._alternative(alternatives, depth), depth + 1, name=name)
        return _BY_TYPE.get(_type_of(schema), _Maker.make_text)(self, schema, depth, name)

    def _resolved(self, schema: Schema, within: int = 0) -> Schema:
        """The schema with its reference followed and its `allOf` folded in."""
        for _ in range(_LONGEST_CHAIN):
            if schema.ref is None:
                break
            schema = _as_schema(self._referred(schema.ref))
        for part in schema.all_of or ():
            self._left -= 1
            if within > _LONGEST_CHAIN or self._left < 0:
                break
            schema = _merged(schema, self._resolved(_as_schema(part), within + 1))
        return schema

    def _referred(self, ref: str) -> AnySchema:
        return self._root if ref == "#" else self._named.get(ref.rpartition("/")[2], True)

    def _alternative(self, alternatives: list[AnySchema], depth: int) -> AnySchema:
        if depth < _DEEP:
            return self._dice.choice(alternatives)
        # Deep down the plainest wins, or a schema that refers to itself would never end.
        return min(alternatives, key=lambda option: _weight(option, self._resolved))

    def make_object(self, schema: Schema, depth: int, _name: str) -> object:
        made: dict[str, object] = {}
        required = frozenset(schema.required)
        for name, member in schema.properties.items():
            if self._left < 0:
                break
            if name in required or depth < _DEEP:
                made[name] = self.make(member, depth + 1, name=name)
        for name in schema.required:
            if name not in made and self._left >= 0:
                made[name] = self.make(schema.additional_properties, depth + 1, name=name)
        for number in range(schema.min_properties - len(made)):
            if self._left < 0:
                break
            made[f"key_{number + 1}"] = self.make(schema.additional_properties, depth + 1)
        return made

    def make_array(self, schema: Schema, depth: int, name: str) -> object:
        least = schema.min_items
        most = least + 2 if schema.max_items is None else schema.max_items
        length = least if depth >= _DEEP else self._dice.between(max(least, min(1, most)), most)
        if schema.items is False:
            length = min(length, len(schema.prefix_items))
        made: list[object] = []
        for _ in range(min(length, max(least, _LONGEST_ARRAY))):
            if self._left < 0:
                break
            place = len(made)
            prefixed = place < len(schema.prefix_items)
            member = schema.prefix_items[place] if prefixed else schema.items
            value = self.make(member, depth + 1, name=name)
            for _ in range(_TRIES if schema.unique_items and value in made else 0):
                value = self.make(member, depth + 1, name=name)
                if value not in made:
                    break
            if not (schema.unique_items and value in made and place >= least):
                made.append(value)
        return made

    def make_text(self, schema: Schema, _depth: int, name: str) -> object:
        if schema.pattern is not None:
            text = text_for(schema.pattern, self._dice)
            self._left -= len(text) // _LETTERS
            return text
        if schema.format in _FORMATS:
            return _FORMATS[schema.format]
        text = _EXAMPLES.get(name.lower()) or self._dice.choice(_WORDS)
        words, size = [text], len(text)
        while size < schema.min_length and self._left >= 0:
            words.append(self._dice.choice(_WORDS))
            size += 1 + len(words[-1])
            self._left -= 1
        return " ".join(words)[: schema.max_length]

    def make_integer(self, schema: Schema, _depth: int, _name: str) -> object:
        low, high = _bounds(schema, smallest_step=1)
        step = max(1, round(schema.multiple_of or 1))
        first, last = -(-_ceil(low) // step), int(high // 1) // step
        return self._dice.between(first, max(first, last)) * step

    def make_number(self, schema: Schema, depth: int, name: str) -> object:
        if schema.multiple_of is not None and schema.multiple_of >= 1:
            return self.make_integer(schema, depth, name)
        low, high = _bounds(schema, smallest_step=0)
        if step := schema.multiple_of:
            first, last = _ceil(low / step), int(high / step)
            return self._dice.between(first, max(first, last)) * step
        # Never on a bound, so that exclusive ones hold as well.
        value = low + (high - low) * (0.25 + self._dice.unit() / 2)
        rounded = round(value, 2)
        return rounded if low < rounded < high else value

    def make_boolean(self, _schema: Schema, _depth: int, _name: str) -> object:
        return self._dice.below(2) == 1

    def make_null(self, _schema: Schema, _depth: int, _name: str) -> object:
        return None


_BY_TYPE: Final[Mapping[str, Callable[[_Maker, Schema, int, str], object]]] = MappingProxyType(
    {
        "object": _Maker.make_object,
        "array": _Maker.make_array,
        "string": _Maker.make_text,
        "integer": _Maker.make_integer,
        "number": _Maker.make_number,
        "boolean": _Maker.make_boolean,
        "null": _Maker.make_null,
    }
)
_WEIGHTS: Final[Mapping[str, int]] = MappingProxyType({"null": 0, "array": 2, "object": 3})
_DECODER: Final = msgspec.json.Decoder(Schema | bool)
_LONGEST_CHAIN = 32
_LONGEST_ARRAY = 8
_TRIES = 20
_WORDS = ("harbour", "ledger", "café", "railway", "morning", "Zürich", "signal", "paper")
_EXAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "city": "Paris",
        "location": "Paris",
        "country": "France",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "query": "opening hours",
        "title": "The second ledger",
        "unit": "celsius",
    }
)
_FORMATS: Final[Mapping[str | None, str]] = MappingProxyType(
    {
        "date-time": "2026-01-02T03:04:05Z",
        "date": "2026-01-02",
        "time": "03:04:05Z",
        "duration": "PT5M",
        "email": "ada@example.com",
        "hostname": "example.com",
        "ipv4": "192.0.2.7",
        "ipv6": "2001:db8::7",
        "uri": "https://example.com/a",
        "url": "https://example.com/a",
        "uuid": "0f8fad5b-d9cb-469f-a165-70867728950e",
    }
)


def _type_of(schema: Schema) -> str:
    if isinstance(schema.type, str):
        return schema.type
    if schema.type:
        return next((name for name in schema.type if name != "null"), "null")
    if schema.properties or schema.required or schema.min_properties:
        return "object"
    if schema.items is not True or schema.prefix_items or schema.min_items:
        return "array"
    bounded = schema.minimum is not None or schema.maximum is not None
    return "number" if bounded else "string"


def _as_schema(schema: AnySchema) -> Schema:
    return schema if isinstance(schema, Schema) else Schema()


def _merged(schema: Schema, other: Schema) -> Schema:
    """Both at once: members are joined, and else whoever says something is heard."""
    said = {
        name: value
        for name, value in msgspec.structs.asdict(other).items()
        if value != getattr(_SILENT, name)
    }
    said["properties"] = {**schema.properties, **other.properties}
    said["required"] = [*schema.required, *other.required]
    said["all_of"] = None
    return msgspec.structs.replace(schema, **said)


_SILENT: Final = Schema()


def _weight(schema: AnySchema, resolved: Callable[[Schema], Schema]) -> int:
    if isinstance(schema, bool):
        return 1
    schema = resolved(schema)
    if schema.any_of or schema.one_of:
        return 4
    return _WEIGHTS.get(_type_of(schema), 1)


def _bounds(schema: Schema, *, smallest_step: int) -> tuple[float, float]:
    """The least and the greatest that may be; draft 4 wrote exclusive bounds as flags."""
    low, low_out = _bound(schema.minimum, schema.exclusive_minimum)
    high, high_out = _bound(schema.maximum, schema.exclusive_maximum)
    if low is not None and low_out:
        low = (int(low // 1) if smallest_step else low) + smallest_step
    if high is not None and high_out:
        high = (_ceil(high) if smallest_step else high) - smallest_step
    if low is None:
        low = 0.0 if high is None or high > 0 else high - 100
    return low, low + 100 if high is None else high


def _bound(inclusive: float | None, exclusive: float | None) -> tuple[float | None, bool]:
    if isinstance(exclusive, bool):
        return inclusive, exclusive
    return (inclusive, False) if exclusive is None else (exclusive, True)


def _ceil(value: float) -> int:
    return -int(-value // 1)
