"""Whether a document that was filled without being looked at fits all forms, quickly: the forms of texts, that is."""

from collections.abc import Callable
from functools import cache
from typing import Any

from msgspec import Struct, ValidationError, convert, inspect

from stationmaster.manifest.forms import FORMS
from stationmaster.manifest.parts import PartDocument

Verify = Callable[[Any], object]
"""Raises ValueError for what does not fit."""


def sound_document(body: dict[str, Any], kind: type[PartDocument]) -> PartDocument | None:
    """The filled document, or None when anything in it does not fit: `shape.fill` finds out what."""
    try:
        document: PartDocument = convert(body, kind)
        _verifier(kind)(document)
    except (ValidationError, ValueError):
        return None
    return document


@cache
def _verifier(kind: type[Struct]) -> Verify:
    info = inspect.type_info(kind)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{kind} is no struct")
    return _of_struct(info)


def _of_struct(info: inspect.StructType) -> Verify:
    verified = [(field.name, field.default, _of_type(field.type)) for field in info.fields]
    fields = [(name, default, verify) for name, default, verify in verified if verify is not None]

    def look(document: Any) -> None:
        for name, default, verify in fields:
            value = getattr(document, name)
            if value is not default and value is not None and value != []:
                verify(value)

    return look


def _of_type(kind: inspect.Type) -> Verify | None:
    match kind:
        case inspect.Metadata():
            form = (kind.extra or {}).get("form")
            return FORMS[form].parse if form else _of_type(kind.type)
        case inspect.StrType():
            return _refuse_nul
        case inspect.StructType():
            return _of_struct(kind)
        case inspect.ListType():
            return _of_items(_of_type(kind.item_type))
        case inspect.DictType():
            return _of_pairs(_of_type(kind.key_type), _of_type(kind.value_type))
        case inspect.UnionType():
            return _of_type(next(each for each in kind.types if not isinstance(each, inspect.NoneType)))
        case _:
            return None


def _refuse_nul(text: str) -> None:
    if "\0" in text:
        raise ValueError("holds a NUL character")


def _of_items(item: Verify | None) -> Verify | None:
    if item is None:
        return None
    verify = item

    def look(items: list[Any]) -> None:
        for each in items:
            verify(each)

    return look


def _of_pairs(key: Verify | None, value: Verify | None) -> Verify:
    def look(pairs: dict[Any, Any]) -> None:
        for name, each in pairs.items():
            if key is not None:
                key(name)
            if value is not None and each is not None:
                value(each)

    return look
