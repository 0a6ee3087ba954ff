"""The words of `RUN --mount=type=bind|cache|tmpfs|secret|ssh` (Dockerfile reference;
containerfile(5)). `mounter` makes what they say."""

from __future__ import annotations

from rundlet.build.containerfile.faults import at
from rundlet.core.errors import InvalidArgument
from rundlet.core.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from rundlet.build.containerfile.instructions import Run

    from .origins import Origin

_ALIASES = {
    "src": "source",
    "dst": "target",
    "destination": "target",
    "readonly": "ro",
    "readwrite": "rw",
}
_SWITCHES = ("ro", "rw", "required", "U", "z", "Z")
_KEYS: dict[str, tuple[str, ...]] = {
    "bind": ("source", "target", "from", "ro", "rw", "bind-propagation", "z", "Z", "U"),
    "cache": (
        *("id", "target", "ro", "rw", "sharing", "from", "source", "mode", "uid", "gid"),
        *("z", "Z", "U"),
    ),
    "tmpfs": ("target", "size", "tmpfs-size", "tmpfs-mode", "mode"),
    "secret": ("id", "target", "required", "mode", "uid", "gid", "env"),
    "ssh": ("id", "target", "required", "mode", "uid", "gid"),
}
_SHARING = ("shared", "private", "locked")


class RunMount(Value):
    """One `--mount`, read and checked: its type and its options by their first names."""

    kind: str
    options: Mapping[str, str] = EMPTY

    def text(self, name: str, default: str = "") -> str:
        """An option."""
        return self.options.get(name, default)

    def switch(self, name: str) -> bool:
        """Whether a switch is on."""
        return self.options.get(name, "false") == "true"

    def number(self, name: str, default: int, base: int = 10) -> int:
        """An option that is a number. Raises InvalidArgument."""
        text = self.text(name)
        try:
            return int(text, base) if text else default
        except ValueError:
            raise InvalidArgument(f"--mount: {name}={text} is not a number") from None


def parse(run: Run) -> tuple[RunMount, ...]:
    """The mounts of an instruction. Raises InvalidArgument that names file and line."""
    found = []
    for text in run.mounts:
        try:
            found.append(read(text))
        except InvalidArgument as error:
            raise at(run.file, run.line, error.message, remedy=error.remedy) from None
    return tuple(found)


def read(text: str) -> RunMount:
    """One --mount. Raises InvalidArgument."""
    options: dict[str, str] = {}
    for word in text.split(","):
        key, equals, value = word.strip().partition("=")
        key = _ALIASES.get(key, key)
        if not equals:
            if key not in _SWITCHES:
                raise InvalidArgument(f"--mount={text}: {key!r} needs a value")
            value = "true"
        options[key] = value
    kind = options.pop("type", "bind")
    if kind not in _KEYS:
        raise InvalidArgument(
            f"--mount={text}: unknown type {kind!r}", remedy=f"Known are {', '.join(_KEYS)}."
        )
    unknown = sorted(set(options) - set(_KEYS[kind]))
    if unknown:
        raise InvalidArgument(f"--mount={text}: {unknown[0]!r} is no option of type={kind}")
    if kind in ("bind", "cache", "tmpfs") and not options.get("target"):
        raise InvalidArgument(f"--mount={text}: a target is needed")
    if kind == "cache" and options.get("sharing", "shared") not in _SHARING:
        raise InvalidArgument(
            f"--mount={text}: unknown sharing", remedy=f"Known are {', '.join(_SHARING)}."
        )
    return RunMount(kind, options)


def parts(wanted: tuple[RunMount, ...], find: Callable[[str], Origin]) -> dict[str, Any]:
    """What the result of a RUN depends on of its mounts: the files of binds, not of caches."""
    from rundlet.build.context.arriving import Ownership, fingerprints
    from rundlet.build.context.selecting import select

    found: dict[str, Any] = {}
    for item in wanted:
        if item.kind != "bind":
            continue
        origin = find(item.text("from"))
        source = item.text("source") or "."
        if origin.key:
            found[f"{item.text('target')} of {source}"] = origin.key
            continue
        members = select(origin.root, [source], where=f"--mount source={source}").members
        prints = fingerprints(members, Ownership())
        found.update({f"{item.text('target')}/{place}": text for place, text in prints.items()})
    return found
