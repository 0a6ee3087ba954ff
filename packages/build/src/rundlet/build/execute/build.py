"""A whole build: context and Containerfile in, images out (buildah-build(1))."""

from __future__ import annotations

import os
from contextlib import ExitStack

from rundlet.build import ignore
from rundlet.build.containerfile import platforms, stages
from rundlet.build.containerfile.expanding import expanded
from rundlet.build.containerfile.instructions import From
from rundlet.build.context import fetching, locations
from rundlet.build.context.resolve import BuildContext, containerfile_in, resolve
from rundlet.core.containers import userns
from rundlet.core.content.scratch import scratch
from rundlet.core.errors import InvalidArgument, NotFound
from rundlet.core.images.platforms import native, parse_platform
from rundlet.core.system import builds

from . import configuring, outputs
from .arguments import BuildArguments
from .configuring import labelled
from .draft import Draft
from .finishing import finish
from .graph import Graph
from .origins import Contexts
from .progress import Progress
from .work import Shared, Work, located

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from rundlet.build.containerfile.stages import Containerfile, Stage
    from rundlet.core import Engine
    from rundlet.core.contracts.transport import Platform
    from rundlet.core.state.images import Image

    from .options import BuildOptions


_STAGE_NAME, _STAGE_BASE = "io.buildah.stage.name", "io.buildah.stage.base"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What an image from scratch begins with, as with Docker and buildah."""


def build(
    engine: Engine,
    options: BuildOptions,
    *,
    progress: Progress | None = None,
    stdin: BinaryIO | None = None,
) -> list[Image]:
    """Build for each platform; the images, which have the names.

    stdin: for a context or a Containerfile that is `-`. Raises StepFailed, whose exit code is
    that of the command, InvalidArgument naming file and line, and what the parts raise. What
    was built until then stays in the cache; nothing else is left.
    """
    progress = progress or Progress(quiet=options.quiet)
    builds.sweep(engine)
    engine.layers.collect()
    with scratch(engine) as directory:
        context = _context(options, directory, stdin)
        texts = _texts(options, context, directory, stdin)
        file = stages.parse((name, text) for name, _, text in texts)
        ignored = ignore.find(context.directory, texts[0][1], options.ignore_file)
        contexts = Contexts(options.contexts, directory)
        options = options.replace(template=userns.without_container(engine, options.template))
        images = []
        for platform in _platforms(engine, file, options, contexts):
            arguments = BuildArguments(
                options.arguments,
                platforms.arguments(native(), platform),
                file.args,
                file.escape,
            )
            shared = Shared(
                options,
                file,
                arguments,
                platform,
                directory=context.directory,
                ignored=ignored,
                contexts=contexts,
                scratch=directory,
                progress=progress.of(platform),
                settings=engine.settings,
            )
            images.append(_one(engine, shared))
        if options.manifest_list:
            from rundlet.core.images.lists import Lists

            Lists(engine).include(options.manifest_list, images)
        return images


def _platforms(
    engine: Engine, file: Containerfile, options: BuildOptions, contexts: Contexts
) -> tuple[Platform, ...]:
    if not options.all_platforms:
        return options.platforms or (native(),)
    from . import available

    return available.platforms(engine, file, options, contexts)


def _context(options: BuildOptions, directory: str, stdin: BinaryIO | None) -> BuildContext:
    if options.context == "-" and "-" in options.files:
        raise InvalidArgument("the context and the Containerfile cannot both come from stdin")
    return resolve(options.context, directory, stdin)


def _texts(
    options: BuildOptions, context: BuildContext, directory: str, stdin: BinaryIO | None
) -> list[tuple[str, str, str]]:
    """(name for messages, path, text) of the Containerfiles. path: "" for one of stdin."""
    if context.containerfile and not options.files:
        name = "stdin" if options.context == "-" else options.context
        return [(name, "", _read(context.containerfile, name))]
    files = options.files or (containerfile_in(context.directory),)
    found = []
    for name in files:
        if name == "-":
            if stdin is None:
                raise InvalidArgument("-f - needs a standard input")
            found.append(("stdin", "", _checked("stdin", stdin.read())))
            continue
        path = name
        if locations.is_http(name):
            path = os.path.join(directory, f"Containerfile-{len(found)}")
            fetching.download(name, path)
        elif not os.path.isfile(path):
            path = os.path.join(context.directory, name)
        text = _read(path, name)
        if path.endswith(".in"):
            from .preprocessing import preprocess

            text = preprocess(text, context.directory, options.cpp_flags)
        found.append((name, path, text))
    return found


def _checked(name: str, data: bytes) -> str:
    """The text of a Containerfile. Raises InvalidArgument: all but comments must be UTF-8."""
    text = data.decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#") and not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError:
                raise InvalidArgument(f"{name}:{number}: the line is not UTF-8") from None
    return text


def _read(path: str, name: str) -> str:
    try:
        with open(path, "rb") as file:
            text = _checked(name, file.read())
    except OSError as error:
        raise NotFound(f"cannot read the Containerfile {name}: {error.strerror}") from None
    if not text.strip():
        raise InvalidArgument(f"{name}: the Containerfile is empty")
    return text


def _one(engine: Engine, shared: Shared) -> Image:
    """Build for one platform. Everything that is temporary ends here."""
    with ExitStack() as stack:
        work = Work(shared, engine, stack)
        target = shared.file.target(shared.options.target)
        graph = Graph(shared, target, _start)
        shared.roots = graph.root
        with graph.workers(engine):
            for index in graph.needed if shared.options.jobs == 1 else ():
                graph.result(work, index)  # in the order of the file, as people read it
            done = graph.result(work, target.index)
        if shared.arguments.unused:
            shared.progress.warn(
                f"one or more build args were not consumed: {' '.join(shared.arguments.unused)}"
            )
        labels = _keep_stages(work, graph, target) if shared.options.save_stages else {}
        for output in shared.options.outputs:
            outputs.write(output, done.root(work))
        return finish(work, done, labels)


def _keep_stages(work: Work, graph: Graph, target: Stage) -> dict[str, str]:
    """An image without a name of each stage but the last (--save-stages).

    The labels that the last one gets: with --stage-labels, its name and what it begins with.
    """
    saved: dict[int, str] = {}
    labels: dict[str, str] = {}
    for index in graph.needed:
        stage, done = work.file.stages[index], graph.result(work, index)
        if work.options.stage_labels:
            earlier = work.file.stage(stage.start.image)
            base = done.draft.base_name or stage.start.image
            if earlier is not None and earlier.index < index:
                base = saved.get(earlier.index, base)
            labels = {_STAGE_NAME: stage.start.alias or str(index), _STAGE_BASE: base}
        if index != target.index:
            graph.commit(work, done)
            draft = labelled(done.draft, tuple(labels.items()))
            saved[index] = draft.write(work.engine, docker=work.options.docker).id
    return labels


def _start(work: Work, stage: Stage, graph: Graph) -> Draft:
    """What a stage begins with: an earlier stage, a named context that is an image, an image."""
    shared = work.shared
    start = expanded(stage.start, shared.arguments.globals, shared.file.escape)
    assert isinstance(start, From)
    platform = parse_platform(start.platform) if start.platform else shared.platform
    name = shared.options.base if not stage.index and shared.options.base else start.image
    if not name:
        raise InvalidArgument(f"{start.where}: FROM: base name {start.image!r} is empty")
    named = shared.contexts.get(name)
    earlier = shared.file.stage(name) if named is None else None
    if earlier is not None and earlier.index < stage.index:
        below = graph.result(work, earlier.index)
        graph.commit(work, below)
        return below.draft.copied()
    if named is not None:
        if not named.image:
            raise InvalidArgument(
                f"{start.where}: the build context {name} is no image",
                remedy=f"--build-context {name}=docker-image://IMAGE",
            )
        name = named.image
    if name == "scratch":
        draft = Draft(platform)
        configuring.set_environment(draft.config, (("PATH", _PATH),))
        return draft
    with located(start.where):
        image = work.images.get(name, platform)
    own = next((full for full in image.names if name in full), name)
    draft = Draft.of_image(work.engine, image, own, platform)
    if not work.options.inherit_labels:
        draft.config.pop("Labels", None)
    if not work.options.inherit_annotations:
        draft.annotations = {}
    return draft
