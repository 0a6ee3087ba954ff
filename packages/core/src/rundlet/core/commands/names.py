"""The names of things that shells complete (`completes` of a declaration): who knows them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .context import Context

    Candidate = tuple[str, str]
    Names = Callable[[Context, str], Iterable[Candidate]]


FILES = ":files"
"""Stands for the names of files: the shell knows them."""


def _containers(*states: str) -> Names:
    """Containers in these states (or in any): by name, and by id once one is begun."""

    def names(context: Context, word: str) -> Iterable[Candidate]:
        for row in context.engine.containers.list():
            if not states or row.status in states:
                yield row.name, row.image_name
                if word and row.id.startswith(word):
                    yield row.id[:12], row.name

    return names


def _paths(context: Context, word: str) -> Iterable[Candidate]:
    """Of `cp`: a container and a path in it, or files of the host."""
    container, colon, path = word.partition(":")
    if colon and "/" not in container:
        return _inside(context, container, path)
    found = [(f"{row.name}:", row.image_name) for row in context.engine.containers.list()]
    return [one for one in found if one[0].startswith(word)] or [(FILES, "")]


def _inside(context: Context, container: str, path: str) -> Iterable[Candidate]:
    """The paths of a container that go on as one that is typed, a directory with its slash."""
    if not path:
        return [(f"{container}:/", "")]
    from ..containers.places import Place, listed

    directory, slash, _ = path.rpartition("/")
    above = f"{directory}{slash}"
    names = sorted(listed(context.engine, Place(container, above or ".")))
    names = [one for one in names if one[0].isprintable()]  # an answer is a line
    return [(f"{container}:{above}{name}{'/' if deeper else ''}", "") for name, deeper in names]


def _images(context: Context, word: str) -> Iterable[Candidate]:
    """Images by name; the registry and directory may be left out ("bus" for localhost/busybox)."""
    for (name,) in context.engine.database.rows("SELECT name FROM image_names ORDER BY name"):
        yield name, ""
        while word and "/" in name:
            name = name.partition("/")[2]
            yield name, ""


def _sources(context: Context, word: str) -> Iterable[Candidate]:
    """Of `--volume`: a named volume, or files once a path is begun."""
    if ":" not in word and not word.startswith((".", "/", "~")):
        found = [(f"{name}:", "") for name, _ in NAMES["volumes"](context, word)]
        if any(name.startswith(word) for name, _ in found):
            return found
    return [(FILES, "")]


def _rows(sql: str) -> Names:
    return lambda context, word: [(row[0], "") for row in context.engine.database.rows(sql)]


def _networks(context: Context, word: str) -> Iterable[Candidate]:
    return [(network.name, network.driver) for network in context.engine.networks.list()]


def _artifacts(context: Context, word: str) -> Iterable[Candidate]:
    return [(artifact.name, "") for artifact in context.engine.artifacts.list()]


def _drivers(kind: str) -> Names:
    return lambda context, word: [
        (entry.name, "") for entry in context.engine.plugins.available(kind)
    ]


def _plugins(context: Context, word: str) -> Iterable[Candidate]:
    from ..plugins.index import KINDS

    for kind in KINDS:
        yield from _drivers(kind)(context, word)


def _objects(context: Context, word: str) -> Iterable[Candidate]:
    for kind in ("containers", "images", "volumes", "networks"):
        yield from NAMES[kind](context, word)


NAMES: dict[str, Names] = {
    "containers": _containers(),
    "running": _containers("running"),
    "startable": _containers("created", "initialized", "exited", "stopped"),
    "created": _containers("created"),
    "ended": _containers("exited", "stopped"),
    "paused": _containers("paused"),
    "paths": _paths,
    "images": _images,
    "pods": _rows("SELECT name FROM pods ORDER BY name"),
    "plugins": _plugins,
    "sources": _sources,
    "volumes": _rows("SELECT name FROM volumes ORDER BY name"),
    "secrets": _rows("SELECT name FROM secrets ORDER BY name"),
    "networks": _networks,
    "artifacts": _artifacts,
    "objects": _objects,
    "runtime": _drivers("runtime"),
    "storage": _drivers("storage"),
}
"""What `completes` may say, and who knows the names: (context, word) to candidates."""

OF_THE_STATE = frozenset(NAMES) - {"plugins", "runtime", "storage", "networks"}
"""Those that ask the state, which the engine makes where it is not there."""
