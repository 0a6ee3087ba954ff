"""`rundlet.toml` and RUNDLET_ variables, validated by pydantic-settings.

Only imported when a file or variable has changed since the last snapshot (settings.load).
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

from ..errors import SettingsError
from .snapshot import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "tuple[str, ...]": tuple[str, ...],
    "tuple[str, ...] | None": tuple[str, ...] | None,
    "Mapping[str, Any]": dict[str, Any],
    "Mapping[str, Mapping[str, Any]]": dict[str, dict[str, Any]],
}


class _Base(BaseSettings):
    """Variables win over the values given (files): pydantic-settings' order is turned round."""

    model_config = SettingsConfigDict(env_prefix="RUNDLET_", extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: Any,
        env_settings: Any,
        dotenv_settings: Any,
        file_secret_settings: Any,
    ) -> tuple[Any, ...]:
        return env_settings, init_settings


def _model() -> type[_Base]:
    """One optional field per setting of the snapshot, so that they are listed once."""
    fields: dict[str, Any] = {
        name: (_TYPES[str(annotation)] | None, None)
        for name, annotation in Settings.__annotations__.items()
    }
    return create_model("RundletToml", __base__=_Base, **fields)


def validated(files: Sequence[str], below: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of these TOML files (later ones win) and of the environment, over `below`.

    Raises SettingsError naming the file or variable, and the key.
    """
    values: dict[str, Any] = {}
    for file in files:
        table = _read(file)
        _validate(table, file)
        values = _merged(values, table)
    return {**below, **_validate(values, "the environment")}


def _validate(table: dict[str, Any], where: str) -> dict[str, Any]:
    try:
        model = _model()(**table)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{where}: {key}: {first['msg']}") from None
    return {key: value for key, value in model.model_dump().items() if value is not None}


def _read(file: str) -> dict[str, Any]:
    try:
        with open(file, "rb") as stream:
            return tomllib.load(stream)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: {error}") from None
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None


def _merged(before: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged, everything else is replaced (containers.conf's rule for drop-ins)."""
    result = dict(before)
    for key, value in table.items():
        old = result.get(key)
        both = isinstance(value, dict) and isinstance(old, dict)
        result[key] = _merged(old, value) if both else value  # type: ignore[arg-type]
    return result
