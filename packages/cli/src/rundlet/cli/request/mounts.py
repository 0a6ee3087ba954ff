"""`--volume`, `--mount`, `--tmpfs`, `--device` (podman-run(1))."""

from __future__ import annotations

import os

from rundlet.core.containers.request import Device, Mount
from rundlet.core.errors import InvalidArgument, NotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Parsed

_KINDS = ("artifact", "bind", "volume", "tmpfs", "ramfs", "image", "devpts", "glob")
_SOURCE = ("src", "source", "volume-source")
_TARGET = ("dst", "dest", "destination", "target", "volume-target")
_FILES = ("bind", "glob")
_MEMORY = ("tmpfs", "ramfs")
_OF_KINDS = {
    "bind-nonrecursive": _FILES,
    "bind-propagation": (*_FILES, "volume"),
    "no-dereference": _FILES,
    "relabel": (*_FILES, "volume"),
    "subpath": ("volume", "image"),
    "volume-subpath": ("volume",),
    "image-subpath": ("image",),
    "volume-nocopy": ("volume",),
    "volume-opt": ("volume",),
    "tmpfs-size": _MEMORY,
    "tmpfs-mode": _MEMORY,
}
"""Options of --mount that not every type has."""
_WITH_VALUE = frozenset(
    (*_SOURCE, *_TARGET, *_OF_KINDS, "digest", "title", "name", "type", "uid", "gid", "mode", "max")
) - {"bind-nonrecursive", "no-dereference", "volume-nocopy"}


def mounts(arguments: Parsed) -> tuple[Mount, ...]:
    """All mounts asked for, each once. Raises InvalidArgument for two others at one place."""
    found = [volume(text) for text in arguments.texts("volume")]
    found += [mount(text) for text in arguments.texts("mount")]
    found += [tmpfs(text) for text in arguments.texts("tmpfs")]
    taken: dict[str, Mount] = {}
    for item in found:
        if taken.setdefault(item.destination, item) != item:
            raise InvalidArgument(f"{item.destination}: duplicate mount destination")
        _check_labels(item)
    return tuple(taken.values())


def _check_labels(made: Mount) -> None:
    words = [word for word in made.options if word in ("z", "Z", "O")]
    if len(words) > 1:
        raise InvalidArgument(
            f"invalid options {', '.join(words)!r}, can only specify 1 'z', 'Z', or 'O' option"
        )


def volume(text: str) -> Mount:
    """`[[source:]destination[:options]]`: a path is bound, a name is a volume."""
    parts = text.split(":")
    if len(parts) > 3 or not parts[-1 if len(parts) == 1 else 1]:
        raise InvalidArgument(
            f"incorrect volume format {text!r}, should be [host-dir:]ctr-dir[:option]"
        )
    if len(parts) == 1:
        return Mount("volume", clean(parts[0]))
    options = tuple(word for word in parts[2].split(",") if word) if len(parts) == 3 else ()
    source, destination = parts[0], clean(parts[1])
    if not source:
        raise InvalidArgument(f"incorrect volume format {text!r}: host directory cannot be empty")
    if source.startswith(("/", ".")):
        return Mount("bind", destination, os.path.abspath(source), options)
    return Mount("volume", destination, source, options)


def mount(text: str) -> Mount:
    """`type=bind,src=/a,dst=/b,ro`."""
    kind, source, destination = "volume", "", ""
    options: list[str] = []
    for word in _split(text):
        key, equals, value = word.partition("=")
        if key in _WITH_VALUE and not equals:
            raise InvalidArgument(f"--mount {text}: {key}: must provide an argument for option")
        if key == "type":
            kind = value
        elif key in _SOURCE:
            source = value
        elif key in _TARGET:
            destination = clean(value)
        elif key in ("readonly", "ro", "rw"):
            on = _boolean(key, value)
            options.append("ro" if on == (key != "rw") else "rw")
        elif key == "tmpfs-size":
            options.append(f"size={value}")
        elif key == "tmpfs-mode":
            options.append(f"mode={value}")
        elif key == "bind-propagation":
            options.append(value)
        elif key == "relabel":
            options.append(_label(value))
        elif key in ("U", "chown"):
            options += ["U"] * _boolean(key, value)
        elif key == "volume-opt" and "=" not in value:
            raise InvalidArgument(f"--mount {text}: {word} is not volume-opt=NAME=VALUE")
        else:
            options.append(word)
    made = Mount(kind, destination, source, tuple(options))
    _check_kind(text, kind)
    return _checked(text, made)


def _check_kind(text: str, kind: str) -> None:
    if kind not in _KINDS:
        raise InvalidArgument(f"invalid filesystem type {kind!r}")
    for word in _split(text):
        key = word.partition("=")[0]
        if kind not in _OF_KINDS.get(key, _KINDS):
            raise InvalidArgument(f"{key!r} option not supported for {kind!r} mount types")
        if key == "volume-label":
            raise NotSupported(
                "--mount volume-label is not supported, as in podman",
                remedy="make the volume with `volume create --label`",
            )


def _label(value: str) -> str:
    if value not in ("shared", "private"):
        raise InvalidArgument(f"relabel mount option must be 'private' or 'shared', not {value!r}")
    return "z" if value == "shared" else "Z"


def _checked(text: str, made: Mount) -> Mount:
    if made.kind == "glob" and not made.destination:
        return made
    if not made.destination:
        raise InvalidArgument(f"--mount {text}: must set volume destination")
    if made.kind in ("artifact", "bind", "image", "glob") and not made.source:
        raise InvalidArgument(f"--mount {text}: must set source")
    if made.kind in ("tmpfs", "ramfs", "devpts") and made.source:
        raise InvalidArgument(f"--mount {text}: source is not supported with {made.kind} mounts")
    if made.kind == "volume" and "/" in made.source:
        raise InvalidArgument(f"--mount {text}: {made.source} is no name of a volume")
    if made.kind == "bind":
        return made.replace(source=os.path.abspath(made.source))
    return made


def _boolean(key: str, value: str) -> bool:
    if value.lower() not in ("", "true", "1", "false", "0"):
        raise InvalidArgument(f"{key!r} must be set to true or false, instead received {value!r}")
    return value.lower() not in ("false", "0")


def _split(text: str) -> list[str]:
    """At commas, but not within double quotes (CSV)."""
    words, word, quoted = [], "", False
    for letter in text:
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            words.append(word)
            word = ""
        else:
            word += letter
    return [item for item in (*words, word) if item]


def tmpfs(text: str) -> Mount:
    """`/path[:options]`."""
    path, _, options = text.partition(":")
    return Mount("tmpfs", clean(path), "", tuple(word for word in options.split(",") if word))


def clean(path: str) -> str:
    """A destination: absolute, without double slashes and dots."""
    if not path.startswith("/"):
        raise InvalidArgument(f"invalid container path {path!r}, must be an absolute path")
    return os.path.normpath(path)


def device(text: str) -> Device:
    """`host[:container][:rwm]`."""
    source, *rest = text.split(":")
    if not source or len(rest) > 2:
        raise InvalidArgument(f"invalid device specification: {text}")
    destination = rest.pop(0) if rest and (len(rest) == 2 or rest[0].startswith("/")) else ""
    permissions = rest[0] if rest else "rwm"
    if not permissions or set(permissions) - set("rwm") or len(set(permissions)) < len(permissions):
        raise InvalidArgument(f"--device {text}: invalid device mode: {permissions}")
    return Device(source, destination, permissions)
