"""Frozen value objects for modules that must start fast.

`dataclasses` costs more to import (inspect, re, enum: about 10 ms, a third of
podman's whole `ps`) than most commands cost to run, so values on a hot path
derive from `Value` instead. It means the same to a type checker (PEP 681) and
to a reader: annotated fields in order, optional defaults, equality by content.

    class Descriptor(Value):
        digest: str
        size: int = -1

Defaults are shared between instances: give immutable ones (tuples, `EMPTY`).
"""

from __future__ import annotations

from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_):  # noqa: D103 (for the checker alone)
        return lambda cls: cls


EMPTY: Mapping[str, Any] = MappingProxyType({})
"""The default for a field that holds a mapping; nobody can write to it."""


@dataclass_transform(frozen_default=True)
class Value:
    """Base of all value objects: frozen, compared by class and content."""

    __fields__: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = tuple(
            name
            for name, annotation in cls.__annotations__.items()
            if not str(annotation).startswith("ClassVar") and name not in cls.__fields__
        )
        cls.__fields__ = cls.__fields__ + own
        if not TYPE_CHECKING:  # the checker has its own for each subclass
            cls.__match_args__ = cls.__fields__

    if not TYPE_CHECKING:  # the checker synthesises a typed __init__ for each subclass

        def __init__(self, *args, **kwargs):
            fields = self.__fields__
            if len(args) > len(fields):
                raise TypeError(f"{type(self).__name__} takes at most {len(fields)} values")
            values = self.__dict__
            values.update(zip(fields, args, strict=False))
            for name in fields[: len(args)]:
                if name in kwargs:
                    raise TypeError(f"{type(self).__name__} got {name!r} twice")
            for name in fields[len(args) :]:
                if name in kwargs:
                    values[name] = kwargs.pop(name)
                elif not hasattr(type(self), name):
                    raise TypeError(f"{type(self).__name__} needs {name!r}")
                else:
                    values[name] = getattr(type(self), name)
            if kwargs:
                raise TypeError(f"{type(self).__name__} has no field {next(iter(kwargs))!r}")

        def __setattr__(self, name, value):
            raise AttributeError(f"{type(self).__name__} is frozen: use .replace({name}=...)")

        def __delattr__(self, name):
            raise AttributeError(f"{type(self).__name__} is frozen")

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return type(self)(**{**self.as_dict(), **changes})

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, shallow: nested values stay values."""
        return dict(self.__dict__)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *(_hashable(v) for v in self.__dict__.values())))

    def __repr__(self) -> str:
        body = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({body})"


def _hashable(value: object) -> object:
    if isinstance(value, (dict, MappingProxyType)):
        return tuple(sorted((k, _hashable(v)) for k, v in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(_hashable(item) for item in value)
    return value
