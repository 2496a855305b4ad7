"""Walks a msgspec type beside the data that should be of it, and finds every fault."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Final

from msgspec import inspect

from scanner.decoding.faults import FEW, Faults, Key, Keys, listed, named, nearest, quoted, step, unknown

Container = dict[object, object] | list[object] | tuple[object, ...]

_DEEPEST: Final = 64  # keys on the way to a value
_MOST_VALUES: Final = 1_000_000
_MOST_BITS: Final = 1023  # of a whole number that can still become one with decimals
_SHOWN_STEPS: Final = 6


def scan(data: object, found: Faults) -> None:
    """Report what nobody means, wherever it stands: NaN, infinities, lone surrogates; and data without end.

    Aliases in YAML can hold themselves, or each other a billion times.
    """
    if (message := _no_json(data)) is not None:
        found.add((), message)
    waiting: list[tuple[Container, Keys]] = [(data, ())] if isinstance(data, dict | list | tuple) else []
    budget = _MOST_VALUES
    while waiting:
        value, keys = waiting.pop()
        if len(keys) > _DEEPEST or budget < 0:
            found.bottomless = True
            found.add(keys[:_SHOWN_STEPS], "is nested too deeply" if budget >= 0 else "holds too many values")
            return
        children = _children(value)
        budget -= len(children)
        for key, child in children:
            if isinstance(child, dict | list | tuple):
                waiting.append((child, (*keys, key)))
            elif (message := _no_json(child)) is not None:
                found.add((*keys, key), message)


def _children(value: Container) -> list[tuple[Key, object]]:
    """What is inside, each with its step; the keys of a mapping are inside as well."""
    if isinstance(value, dict):
        return [(step(key), child) for key, child in value.items()] + [(step(key), key) for key in value]
    return list(enumerate(value))


def _no_json(value: object) -> str | None:
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return "is too large a number"
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    if isinstance(value, str) and not (value.isascii() or _encodable(value)):
        return "holds characters that are no text (lone surrogates)"
    return None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_SHAPES: Final[dict[type[inspect.Type], tuple[str, tuple[type, ...]]]] = {
    inspect.NoneType: ("nothing", (NoneType,)),
    inspect.BoolType: ("true or false", (bool,)),
    inspect.IntType: ("a whole number", (int,)),
    inspect.FloatType: ("a number", (int, float)),
    inspect.StrType: ("a text", (str,)),
    inspect.CustomType: ("a path", (str,)),
    inspect.DictType: ("a group of keys", (dict,)),
    inspect.StructType: ("a group of keys", (dict,)),
    inspect.ListType: ("a list", (list, tuple)),
    inspect.TupleType: ("a list", (list, tuple)),
    inspect.VarTupleType: ("a list", (list, tuple)),
}


def _shape(kind: inspect.Type) -> tuple[str, tuple[type, ...]] | None:
    """What a kind of value is called and the Python types it comes as; None for kinds left to msgspec."""
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(listed([value]) for value in kind.values), tuple({type(value) for value in kind.values})
    if isinstance(kind, inspect.EnumType):
        values = [member.value for member in kind.cls]
        return " or ".join(listed([value]) for value in values), tuple({type(value) for value in values})
    if isinstance(kind, inspect.StructType) and len(kind.fields) <= FEW:
        return f"a group of keys ({', '.join(field.encode_name for field in kind.fields)})", (dict,)
    if isinstance(kind, inspect.Metadata):
        return _shape(kind.type)
    return _SHAPES.get(type(kind))


class Walk:
    """Walks a type beside the data that should be of it."""

    def __init__(self, found: Faults) -> None:
        self._found = found

    def check(self, kind: inspect.Type, value: object, keys: Keys, *, hint: str = "") -> None:
        """Report every fault of ``value`` as a ``kind``. ``hint`` says in words what the pattern of a text wants."""
        if isinstance(kind, inspect.Metadata):
            hint = str((kind.extra_json_schema or {}).get("description", ""))
            self.check(kind.type, value, keys, hint=hint)
        elif isinstance(kind, inspect.UnionType):
            self._union(kind, value, keys)
        elif (shape := _shape(kind)) is not None:
            phrase, types = shape
            if type(value) in types:
                self._inner(kind, value, keys, hint)
            else:
                self._expected(phrase, value, keys)

    def _inner(self, kind: inspect.Type, value: Any, keys: Keys, hint: str) -> None:  # noqa: ANN401 - its shape is checked
        match kind:
            case inspect.DictType():
                self._entries(kind, value, keys)
            case inspect.StructType():
                self._fields(kind, value, keys)
            case inspect.TupleType():
                self._positions(kind, value, keys)
            case inspect.ListType() | inspect.VarTupleType():
                self._items(kind, value, keys)
            case _:
                self._leaf(kind, value, keys, hint)

    def _leaf(self, kind: inspect.Type, value: Any, keys: Keys, hint: str) -> None:  # noqa: ANN401 - its shape is checked
        match kind:
            case inspect.IntType() | inspect.FloatType():
                self._number(kind, value, keys)
            case inspect.StrType():
                self._text(kind, value, keys, hint)
            case inspect.LiteralType() | inspect.EnumType():
                self._choice(kind, value, keys)
            case inspect.CustomType() if not value or "\0" in value:
                self._expected("a path", value, keys)
            case _:
                pass  # any other path, nothing, true and false: all values are good

    def _expected(self, phrase: str, value: object, keys: Keys) -> None:
        self._found.add(keys, "" if self._found.full else f"expected {phrase}, got {named(value)}")

    def _number(self, kind: inspect.IntType | inspect.FloatType, value: float, keys: Keys) -> None:
        if kind.ge is not None and value < kind.ge:
            self._found.add(keys, f"must be at least {kind.ge}")
        if kind.gt is not None and value <= kind.gt:
            self._found.add(keys, f"must be more than {kind.gt}")
        if kind.le is not None and value > kind.le:
            self._found.add(keys, f"must be at most {kind.le}")
        if kind.lt is not None and value >= kind.lt:
            self._found.add(keys, f"must be less than {kind.lt}")
        if kind.multiple_of is not None and value % kind.multiple_of:
            self._found.add(keys, f"must be a multiple of {kind.multiple_of}")

    def _text(self, kind: inspect.StrType, value: str, keys: Keys, hint: str) -> None:
        self._length(kind, value, keys, "characters")
        if kind.pattern is not None and not re.search(kind.pattern, value):
            self._found.add(keys, f"must be {hint or f'text like {kind.pattern}'}, got {quoted(value)}")

    def _length(self, kind: Any, value: Sequence[object] | Mapping[Any, Any], keys: Keys, unit: str) -> None:  # noqa: ANN401 - several kinds have lengths, without a common type
        if kind.min_length is not None and len(value) < kind.min_length:
            what = "must not be empty" if kind.min_length == 1 else f"must have at least {kind.min_length} {unit}"
            self._found.add(keys, what)
        if kind.max_length is not None and len(value) > kind.max_length:
            self._found.add(keys, f"must have at most {kind.max_length} {unit}, has {len(value)}")

    def _choice(self, kind: inspect.LiteralType | inspect.EnumType, value: object, keys: Keys) -> None:
        values = kind.values if isinstance(kind, inspect.LiteralType) else [member.value for member in kind.cls]
        if value not in values:
            self._expected(" or ".join(listed([known]) for known in values), value, keys)

    def _entries(self, kind: inspect.DictType, value: dict[object, object], keys: Keys) -> None:
        self._length(kind, value, keys, "keys")
        for key, child in value.items():
            place = (*keys, step(key))
            self.check(kind.key_type, key, place)
            self.check(kind.value_type, child, place)

    def _items(self, kind: inspect.ListType | inspect.VarTupleType, value: Sequence[object], keys: Keys) -> None:
        self._length(kind, value, keys, "entries")
        for index, child in enumerate(value):
            self.check(kind.item_type, child, (*keys, index))

    def _positions(self, kind: inspect.TupleType, value: Sequence[object], keys: Keys) -> None:
        if len(value) != len(kind.item_types):
            self._found.add(keys, f"must have {len(kind.item_types)} entries, has {len(value)}")
            return
        for index, (item, child) in enumerate(zip(kind.item_types, value, strict=True)):
            self.check(item, child, (*keys, index))

    def _fields(self, kind: inspect.StructType, value: dict[object, object], keys: Keys) -> None:
        fields = {field.encode_name: field for field in kind.fields}
        if kind.tag_field is not None and value.get(kind.tag_field, kind.tag) != kind.tag:
            self._expected(listed([kind.tag]), value[kind.tag_field], (*keys, kind.tag_field))
        for key, child in value.items():
            if isinstance(key, str) and key in fields:
                self.check(fields[key].type, child, (*keys, key))
            elif kind.forbid_unknown_fields and key != kind.tag_field:
                message = "" if self._found.full else unknown(str(step(key)), fields)
                self._found.add((*keys, step(key)), message)
        for name, field in fields.items():
            if field.required and name not in value:
                self._found.add((*keys, name), "is missing")

    def _union(self, kind: inspect.UnionType, value: object, keys: Keys) -> None:
        structs = [one for one in kind.types if isinstance(one, inspect.StructType)]
        tagged = {str(one.tag): one for one in structs if one.tag is not None}
        if tagged and isinstance(value, dict):
            self._tagged(tagged, value, keys)
            return
        shapes = [(one, shape) for one in kind.types if (shape := _shape(one)) is not None]
        if len(shapes) < len(kind.types):
            return  # a kind that is left to msgspec
        fitting = [one for one, (_, types) in shapes if type(value) in types]
        plain = [one for one in fitting if not isinstance(one, inspect.LiteralType | inspect.EnumType)]
        if len(plain) == len(fitting) == 1:
            self.check(plain[0], value, keys)
        elif any(_fits(one, value) for one in fitting):
            return
        elif plain:
            self.check(plain[-1], value, keys)
        else:
            phrases = [phrase for one, (phrase, _) in shapes if not isinstance(one, inspect.NoneType)]
            self._expected(" or ".join(phrases), value, keys)

    def _tagged(self, tagged: Mapping[str, inspect.StructType], value: dict[object, object], keys: Keys) -> None:
        name = str(next(iter(tagged.values())).tag_field)
        tag = value.get(name)
        if name not in value:
            self._found.add((*keys, name), f"is missing; one of {listed(tagged)}")
        elif isinstance(tag, str) and tag in tagged:
            self._fields(tagged[tag], value, keys)
        else:
            guess = nearest(tag, tagged) if isinstance(tag, str) else None
            hint = f"; did you mean {guess!r}?" if guess else ""
            self._found.add((*keys, name), f"expected one of {listed(tagged)}, got {named(tag)}{hint}")


def _fits(kind: inspect.Type, value: object) -> bool:
    found = Faults()
    Walk(found).check(kind, value, ())
    return not found.count
