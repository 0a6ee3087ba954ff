"""`--all-platforms`: the platforms that all base images of a build are there for."""

from __future__ import annotations

from rundlet.build.containerfile import platforms as named
from rundlet.build.containerfile.expanding import expanded
from rundlet.build.containerfile.instructions import From
from rundlet.build.lists.remote import platforms as remote_platforms
from rundlet.core.contracts.transport import Platform
from rundlet.core.errors import InvalidArgument
from rundlet.core.images.lists import Lists
from rundlet.core.images.platforms import native

from .arguments import BuildArguments
from .graph import needed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.build.containerfile.stages import Containerfile
    from rundlet.core import Engine

    from .options import BuildOptions
    from .origins import Contexts


def platforms(
    engine: Engine, file: Containerfile, options: BuildOptions, contexts: Contexts
) -> tuple[Platform, ...]:
    """In the order of the first base. Raises InvalidArgument when there are none."""
    common: list[Platform] | None = None
    names = _bases(file, options, contexts)
    for name in names:
        offered = _offered(engine, options.source_policy.image(name), options)
        common = offered if common is None else [one for one in common if one in offered]
    if not common:
        raise InvalidArgument(
            "--all-platforms: no platform has all the base images"
            f" ({', '.join(names) or 'there is none but scratch'})",
            remedy="Name them: --platform OS/ARCH.",
        )
    return tuple(common)


def _bases(file: Containerfile, options: BuildOptions, contexts: Contexts) -> list[str]:
    """The images that stages begin with, but for those of a platform of their own."""
    here = native()
    arguments = BuildArguments(
        options.arguments, named.arguments(here, here), file.args, file.escape
    )
    target = file.target(options.target)
    found = []
    for index in needed(file, target, skip_unused=options.skip_unused):
        stage = file.stages[index]
        start = expanded(stage.start, arguments.globals, file.escape)
        assert isinstance(start, From)
        name = options.base if not index and options.base else start.image
        context = contexts.get(name)
        earlier = file.stage(name) if context is None else None
        if context is not None:
            name = context.image
        if name in ("", "scratch") or stage.start.platform:
            continue
        if earlier is None or earlier.index >= index:
            found.append(name)
    return list(dict.fromkeys(found))


def _offered(engine: Engine, name: str, options: BuildOptions) -> list[Platform]:
    """The platforms of a manifest list here, of an index elsewhere, or of the one image."""
    lists = Lists(engine)
    if lists.exists(name):
        described = [entry.descriptor["platform"] for entry in lists.get(name).entries]
        keys = ("os", "architecture", "variant")
        return [Platform(*(str(one.get(key, "")) for key in keys)) for one in described]
    image = engine.images.find(name)
    known = None
    if image is None or not _is_only_here(image.names):
        known = remote_platforms(engine, name, options.settings)
    if known is None:
        image = image or engine.images.pull(name, settings=options.settings)
        config = engine.images.config(image)
        return [Platform(config.os, config.architecture, config.variant)]
    return [one for one in known if one.os not in ("", "unknown")]


def _is_only_here(names: tuple[str, ...]) -> bool:
    return all(name.startswith("localhost/") for name in names)
