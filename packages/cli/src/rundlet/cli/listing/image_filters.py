"""`--filter` of lists of images (podman-images(1))."""

from __future__ import annotations

from rundlet.core.errors import InvalidArgument

from .filters import boolean, has_label, moment, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rundlet.core.engine import Engine
    from rundlet.core.images.summary import ImageSummary

_OF_IMAGES: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("label", "before", "since", "after", "id", "digest", "reference"), str),
    **dict.fromkeys(("dangling", "containers", "readonly", "intermediate", "manifest"), boolean),
    "until": moment,
}
"""Filters, and what reads their values."""


def images(
    engine: Engine, rows: Sequence[ImageSummary], filters: Iterable[str]
) -> list[ImageSummary]:
    """The images that pass: any value of one key (all of labels and of `!=`), all keys.

    As podman, with that name alone where one whole name is asked for. Raises InvalidArgument.
    """
    left, texts = list(rows), list(filters)
    for text in texts:
        if "=" not in text:
            raise InvalidArgument(
                f'invalid image filter "{text}": must be in the format'
                ' "filter=value or filter!=value"'
            )
    asked = split(texts)
    for key, values in asked.items():
        name, wanted = key.removesuffix("!"), not key.endswith("!")
        if name not in _OF_IMAGES:
            raise InvalidArgument(f'unsupported image filter "{name}"')
        for value in values:
            _OF_IMAGES[name](value)  # though there may be no image to ask
        several = any if wanted and name != "label" else all
        left = [
            row
            for row in left
            if several(_image(engine, row, name, value) == wanted for value in values)
        ]
    (*others, one) = asked.get("reference", ()) or ("",)
    if others or "reference!" in asked or not _is_whole(one):
        return left
    return [
        row.replace(names=tuple(name for name in row.names if reference_matches(name, one)))
        for row in left
    ]


def _is_whole(name: str) -> bool:
    """Whether it has a host and a tag: "quay.io/team/tool:1"."""
    from rundlet.core.images.reference import is_short

    return ":" in name.rpartition("/")[2] and not is_short(name)


def _image(engine: Engine, row: ImageSummary, key: str, value: str) -> bool:
    if key == "label":
        return has_label(row.labels, value)
    if key == "dangling":
        return (not row.names) == boolean(value)
    if key in ("before", "since", "after"):
        other = engine.images.get(value)
        return row.created < other.created if key == "before" else row.created > other.created
    if key == "until":
        return row.created < moment(value)
    if key == "id":
        return row.id.startswith(value.removeprefix("sha256:"))
    if key == "digest":
        return row.digest.startswith(value)
    if key == "reference":
        return any(reference_matches(name, value) for name in row.names)
    if key == "containers":
        return (row.containers > 0) == boolean(value)
    if key == "readonly":
        return bool(row.store) == boolean(value)
    if key == "manifest":
        return row.is_list == boolean(value)
    return not boolean(value)  # intermediate: there are none


def reference_matches(name: str, pattern: str) -> bool:
    """Whether an image name fits a pattern: whole, without host or tag, with shell globs."""
    from fnmatch import fnmatchcase

    repository = name.rpartition(":")[0]
    forms = [name, repository]
    while "/" in repository:
        repository = repository.partition("/")[2]
        forms += [repository, f"{repository}:{name.rpartition(':')[2]}"]
    return any(fnmatchcase(form, pattern) for form in forms)
