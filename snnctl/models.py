"""Neuron models and plasticity rules by name, entry point or import path.

In a configuration a model is a table with its name under a key (``model`` or ``rule``) and its parameters:

    neuron = { model = "lif", tau_mem_s = "20ms" }              one of the package
    neuron = { model = "resonator", frequency_hz = 5.0 }        an entry point of the group "snnctl.neurons"
    neuron = { model = "mylab.neurons:Resonator", ... }         an import path

A user's model is a frozen dataclass (:func:`snnctl.config.schema`) in a file of its own, beside its step function.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any, Literal, get_args, get_type_hints


@dataclasses.dataclass(frozen=True)
class Named:
    """Annotation marker: a value of one of these classes, or of a user's, chosen by a key of its table."""

    key: str  # "model" or "rule"
    group: str  # entry points
    classes: tuple[type, ...]  # of the package; each has ``key`` as a Literal field

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        choices = {literal(cls, self.key): handler(cls) for cls in self.classes}
        known = core_schema.tagged_union_schema(choices=choices, discriminator=self.key)

        def validate(value: Any, validate_known: Callable[[Any], Any]) -> Any:
            if dataclasses.is_dataclass(value) and not isinstance(value, type):
                return value
            name = value.get(self.key) if isinstance(value, dict) else None
            cls = None if name in choices or not isinstance(name, str) else self.find(name)
            return validate_known(value) if cls is None else _validated(cls, value, self.key)

        return core_schema.no_info_wrap_validator_function(
            validate, known, serialization=core_schema.plain_serializer_function_ser_schema(self.dump)
        )

    def dump(self, value: Any) -> Any:
        """The table that :meth:`find` and the class turn back into ``value``."""
        from pydantic import TypeAdapter

        table = TypeAdapter(type(value)).dump_python(value, mode="json")
        if type(value) not in self.classes:
            table[self.key] = f"{type(value).__module__}:{type(value).__qualname__}"
        return table

    def find(self, name: str) -> type | None:
        """The user's class called ``name``; None if no entry point or import path says so.

        Raises:
            ValueError: an import path that cannot be imported, or that leads to something else.
        """
        if ":" not in name:
            points = importlib.metadata.entry_points(group=self.group, name=name)
            if not points:
                return None
            name = next(iter(points)).value
        module, _, attribute = name.partition(":")
        try:
            cls = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise ValueError(f"'{name}' cannot be imported ({error}); write 'package.module:Class'") from None
        if not isinstance(cls, type) or not dataclasses.is_dataclass(cls) or not hasattr(cls, "constants"):
            raise ValueError(f"'{name}' is no dataclass with constants(tick_s)")
        return cls


def literal(cls: type, key: str) -> str:
    """The name of a class of the package: the value of its Literal field ``key``."""
    hint = get_type_hints(cls)[key]
    assert hint == Literal[hint.__args__[0]]
    return str(get_args(hint)[0])


def _validated(cls: type, table: dict[str, Any], key: str) -> Any:
    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import to_json

    values = dict(table)
    if key not in get_type_hints(cls):
        values.pop(key)
    elif get_args(get_type_hints(cls)[key]):
        values[key] = literal(cls, key)
    try:
        return TypeAdapter(cls).validate_json(to_json(values, inf_nan_mode="constants"), strict=True)
    except ValidationError as error:
        raise ValueError(
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
        ) from None
