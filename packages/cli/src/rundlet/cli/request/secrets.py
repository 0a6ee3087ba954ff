"""`--secret NAME[,type=mount|env,target=..,uid=..,gid=..,mode=..]` (podman-run(1))."""

from __future__ import annotations

from rundlet.core.errors import InvalidArgument

_KEYS = ("source", "type", "target", "uid", "gid", "mode")

_NUMBERS = {"uid": 10, "gid": 10, "mode": 8}
"""Those that are numbers, to this base."""


def secret(text: str) -> dict[str, str]:
    """One secret as ContainerRequest has it. Raises InvalidArgument."""
    first, *words = text.split(",")
    found: dict[str, str] = {}
    if "=" in first:
        words = [first, *words]
    else:
        found["name"] = first
    for word in words:
        key, equals, value = word.partition("=")
        key = key.lower() if key in ("UID", "GID") else key
        if key not in _KEYS or not equals:
            raise InvalidArgument(f"--secret {text}: {word!r} is not an option")
        if key in _NUMBERS and not _number(value, _NUMBERS[key]):
            raise InvalidArgument(f"--secret {text}: {key} {value!r} is invalid")
        if key == "type" and "type" in found:
            raise InvalidArgument(f"--secret {text}: cannot set more than one secret type")
        found["name" if key == "source" else key] = value
    if not found.get("name"):
        raise InvalidArgument(f"--secret {text}: no source found")
    if found.get("type", "mount") not in ("mount", "env"):
        raise InvalidArgument(f"--secret {text}: type {found['type']} is invalid: mount or env")
    if found.get("type") == "env" and {"uid", "gid", "mode"} & set(found):
        raise InvalidArgument(f"--secret {text}: uid, gid and mode are for type mount")
    return found


def _number(text: str, base: int) -> bool:
    """Whether it is one of 32 bits, without a sign."""
    try:
        return text.isdecimal() and int(text, base) < 2**32
    except ValueError:
        return False
