"""`--log-opt` (podman-run(1)): what the log driver of a container is told."""

from __future__ import annotations

from rundlet.core.errors import InvalidArgument

from .environment import key_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def log_labels(texts: Iterable[str]) -> tuple[str, ...]:
    """The values of `label=FIELD=VALUE`, which may come more than once."""
    words = (text.partition("=") for text in texts)
    return tuple(value for key, _, value in words if key.lower() == "label")


def log_options(texts: Iterable[str]) -> dict[str, str]:
    """The options by their names in small letters, without `label`. Raises InvalidArgument.

    `log-rotate` is said by `max-file` here: how many files are kept, the one that is written
    included.
    """
    found = {key.lower(): value for key, value in key_values(texts, "log-opt").items()}
    found.pop("label", None)
    rotate = found.pop("log-rotate", None)
    if rotate is None:
        return found
    if rotate.lower() not in _BOOLEANS:
        raise InvalidArgument(f"invalid --log-opt log-rotate={rotate}: true or false")
    if _BOOLEANS[rotate.lower()]:
        return {"max-file": "2", **found}
    if "max-file" in found:
        raise InvalidArgument(
            "conflicting log options: max-file cannot be set when log-rotate is false"
        )
    return found
