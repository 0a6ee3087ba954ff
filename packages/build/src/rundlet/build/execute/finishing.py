"""The end of a build: the image with all that the options say of it."""

from __future__ import annotations

import os

from rundlet.core.archive.create import write_tree
from rundlet.core.archive.whiteouts import PLAIN
from rundlet.core.images.names import split_transport, stored_name

from . import configuring, filesystem
from .workspace import Workspace, keep_timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import ExitStack

    from rundlet.core import Engine
    from rundlet.core.contracts.transport import TransportSettings
    from rundlet.core.images.progress import Progress
    from rundlet.core.state.images import Image

    from .draft import Draft
    from .options import BuildOptions, Timestamp, Writing
    from .sbom import SbomOrder, Scanned
    from .stage import StageBuild
    from .work import Work

_STORE = "containers-storage:"


def finish(work: Work, done: StageBuild, labels: Mapping[str, str]) -> Image:
    """Write the image, and copies of it to where names with a transport say.

    labels: besides those of the options.
    """
    options, engine = work.options, work.engine
    done.commit(work)
    draft = done.draft.copied()
    root = done.root(work) if options.sbom or options.squash_all else ""
    if options.sbom is not None:
        scanned = _scanned(work, options.sbom, root)
        scanned.write(options.sbom)
        root = with_files(
            engine,
            draft,
            scanned.in_image(options.sbom),
            options.docker,
            options.file_times,
            work.stack,
        )
    if options.squash_all:
        squash(engine, draft, root, options.file_times)
    _configure(draft, options, labels)
    here, elsewhere = split_names(engine, options.names)
    for name in here:
        work.progress.line(f"COMMIT {name}")
    image = draft.write(
        engine,
        created=_created(options, draft),
        docker=options.docker,
        names=here,
        annotations=_annotations(draft, options),
    )
    for name in here:
        work.progress.line(f"Successfully tagged {name}")
    for target in elsewhere:
        work.progress.line(f"COMMIT {target}")
    write_out(engine, image, here, elsewhere, options.writing, options.settings)
    return image


def write_out(
    engine: Engine,
    image: Image,
    here: Sequence[str],
    elsewhere: Sequence[str],
    writing: Writing,
    settings: TransportSettings,
    progress: Progress | None = None,
) -> None:
    """Sign an image of the store by its names here, and write it to the places elsewhere."""
    if writing.signing is not None and here:
        engine.images.sign(here[0], writing.signing)
    for target in elsewhere:
        engine.images.push(
            image.id,
            target,
            settings=settings,
            compression=writing.compression,
            level=writing.level,
            force=writing.force,
            signing=writing.signing,
            encryption=writing.encryption,
            progress=progress,
        )


def with_files(
    engine: Engine,
    draft: Draft,
    files: Mapping[str, bytes],
    docker: bool,
    timestamp: Timestamp | None,
    stack: ExitStack,
) -> str:
    """Add a layer with files of root's to a draft; the root directory with them.

    It is there until the stack ends.
    """
    if draft.top and engine.layers.get(draft.top) is None:
        draft.write(engine, docker=docker)
    workspace = Workspace(engine, draft.top)
    stack.callback(workspace.close)
    for path, data in files.items():
        write_file(workspace.root, path, data)
    if files:
        draft.add(workspace.commit(engine, timestamp))
        draft.note(_now(timestamp), f"/bin/sh -c #(nop) ADD {' '.join(files)}", empty=False)
    return workspace.root


def write_file(root: str, path: str, data: bytes) -> None:
    """Write a file of root's below a root directory, and the directories above it."""
    filesystem.make_directories(root, os.path.dirname(path), 0, 0)
    place = filesystem.real_path(root, path)
    if os.path.lexists(place):
        os.unlink(place)
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(data)


def _now(timestamp: Timestamp | None) -> int:
    import time

    return time.time_ns() if timestamp is None else timestamp.seconds * 1_000_000_000


def _scanned(work: Work, order: SbomOrder, root: str) -> Scanned:
    """What --sbom's scanner says of a root directory and the contexts."""
    from . import sbom

    options = work.options
    named = (item for item in options.contexts if not item.image)
    contexts = [work.shared.directory, *(work.shared.contexts.directory(item) for item in named)]
    image = work.images.get(order.image)
    return sbom.scan(work.engine, order, image.id, root, contexts, work.scratch, options.template)


def squash(engine: Engine, draft: Draft, root: str, timestamp: Timestamp | None) -> None:
    """One layer of all files, and one entry of history."""
    draft.layers, draft.top, draft.history = [], "", draft.history[-1:]
    layer = keep_timed(engine, lambda out: write_tree(root, out, whiteouts=PLAIN), timestamp, "")
    draft.add(layer)
    for entry in draft.history:
        entry.pop("empty_layer", None)


def _configure(draft: Draft, options: BuildOptions, more: Mapping[str, str]) -> None:
    """What the options say of the config."""
    config = draft.config
    configuring.set_environment(config, options.environment)
    if options.unset_environment:
        kept = configuring.environment(config)
        config["Env"] = [f"{k}={v}" for k, v in kept.items() if k not in options.unset_environment]
    labels = {**(config.get("Labels") or {}), **dict(options.labels), **more}
    config["Labels"] = {k: v for k, v in labels.items() if k not in options.unset_labels}
    if options.omit_history:
        draft.history = []
    draft.os_version = options.os_version or draft.os_version
    draft.os_features = _features(draft.os_features, options.os_features)


def _features(before: Iterable[str], words: Iterable[str]) -> tuple[str, ...]:
    """Those of the base, with those named; a name with a dash at its end leaves one out."""
    found = list(before)
    for word in words:
        name = word.removesuffix("-")
        found = [one for one in found if one != name] + ([] if word.endswith("-") else [name])
    return tuple(found)


def _annotations(draft: Draft, options: BuildOptions) -> dict[str, str]:
    found = {**draft.annotations, **options.annotations}
    if draft.base_name and not options.docker:
        found["org.opencontainers.image.base.digest"] = draft.base_digest
        found["org.opencontainers.image.base.name"] = draft.base_name
        found.update(options.annotations)
    return {k: v for k, v in found.items() if k not in options.unset_annotations}


def split_names(engine: Engine, names: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
    """Full names in the store, and destinations with a transport."""
    here, elsewhere = [], []
    for name in names:
        bare = name.removeprefix(_STORE)
        if bare == name and split_transport(engine, name) is not None:
            elsewhere.append(name)
        else:
            here.append(str(stored_name(bare)))
    return tuple(here), elsewhere


def _created(options: BuildOptions, draft: Draft) -> int:
    """When the image was made: with its last step, so that the same steps give the same image."""
    from rundlet.core.format.times import from_rfc3339

    if options.timestamp is not None:
        return options.timestamp.seconds * 1_000_000_000
    return max((from_rfc3339(str(entry.get("created", ""))) for entry in draft.history), default=0)
