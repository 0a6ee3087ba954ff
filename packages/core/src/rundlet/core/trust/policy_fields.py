"""Fields of a trust policy: read strictly, and named where they are wrong."""

from __future__ import annotations

import base64
import binascii

from ..errors import SettingsError
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LARGEST = 4 << 20


class Source(Value):
    """Keys or certificates: in files, or as they are."""

    paths: tuple[str, ...] = ()
    data: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.paths or self.data)

    def loaded(self) -> list[tuple[bytes, str]]:
        """Each with the words that name it. Raises SettingsError for a file that is not there."""
        found = [(data, "a key of the trust policy") for data in self.data]
        for path in self.paths:
            try:
                with open(path, "rb") as file:
                    found.append((file.read(_LARGEST), path))
            except OSError as error:
                raise SettingsError(
                    f"cannot read the key file {path} of the trust policy: {error.strerror}"
                ) from None
        return found


def source(found: dict[str, Any], where: str, *names: str, needed: bool = True) -> Source:
    """What exactly one of these fields says: `...Path`, `...Paths`, `...Data` or `...Datas`."""
    given = [name for name in names if name in found]
    if len(given) != 1:
        if not given and not needed:
            return Source()
        listed = f"{', '.join(names[:-1])} and {names[-1]}"
        raise ValueError(f"{where}: exactly one of {listed} is needed")
    name = given[0]
    texts = found[name] if name.endswith("s") else [found[name]]
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise ValueError(f"{where}.{name}: expected text")
    if "Data" not in name:
        return Source(paths=tuple(texts))
    try:
        return Source(data=tuple(base64.b64decode(text, validate=True) for text in texts))
    except binascii.Error:
        raise ValueError(f"{where}.{name}: not base64") from None


def text(found: dict[str, Any], where: str, name: str) -> str:
    """A field that is a text."""
    value = found[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where}.{name}: expected text")
    return value


def obj(
    value: Any, where: str, needed: tuple[str, ...], more: tuple[str, ...] | None
) -> dict[str, Any]:
    """A JSON object with these fields; more: others that may be there, None for any."""
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected an object")
    for name in needed:
        if name not in value:
            raise ValueError(f"{where}: {name} is missing")
    unknown = set() if more is None else set(value) - {*needed, *more}
    if unknown:
        raise ValueError(f"{where}: unknown field {min(unknown)}")
    return value
