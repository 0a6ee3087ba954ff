"""TOML files of a configuration. Without pydantic: the CRI server reads its own with this."""

from __future__ import annotations

import tomllib
from typing import Any

from ..errors import SettingsError


def read_toml(file: str) -> dict[str, Any]:
    """A TOML file. Raises SettingsError naming it, and the line that is wrong."""
    try:
        with open(file, "rb") as stream:
            return tomllib.load(stream)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from None
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
