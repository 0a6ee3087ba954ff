"""What `--from` names: a named context, a stage, or an image, as a directory."""

from __future__ import annotations

from rundlet.build.context.resolve import resolve
from rundlet.core.value import Value

from .draft import Draft
from .workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import ExitStack

    from rundlet.build.context.locations import Named
    from rundlet.core import Engine
    from rundlet.core.contracts.transport import Platform
    from rundlet.core.state.images import Image

    from .options import BuildOptions


class Origin(Value):
    """A directory to copy from. key: what its content depends on, "" for files to be read.

    owned: its files keep their owners (a stage's or an image's), else they become root's.
    """

    root: str
    owned: bool = False
    key: str = ""


class Images:
    """Images that a build begins with, found or pulled by its policy."""

    def __init__(self, engine: Engine, options: BuildOptions, platform: Platform | None) -> None:
        self._engine = engine
        self._options = options
        self._platform = platform

    def get(self, name: str, platform: Platform | None = None) -> Image:
        """An image by any name. Raises NoSuchImage, DeniedByPolicy and what a pull raises."""
        name = self._options.source_policy.image(name)
        wanted = platform or self._platform
        images = self._engine.images
        policy = self._options.pull
        found = images.find(name)
        if found is not None and policy in ("missing", "never") and _fits(found, wanted):
            return found
        if found is not None and _is_local(found, name):
            return found  # nobody else has it: there is nothing to pull
        if found is not None and policy in ("missing", "newer") and not _fits(found, wanted):
            policy = "always"  # the one that is there is for another platform
        return images.pull(
            name,
            policy=policy,
            settings=self._options.settings,
            platform=wanted,
            encryption=self._options.encryption,
        )


def _fits(image: Image, platform: Platform | None) -> bool:
    if platform is None or not platform.architecture:
        return True
    return image.os in ("", platform.os) and image.architecture in ("", platform.architecture)


def _is_local(image: Image, name: str) -> bool:
    """Whether a name is an id of it, or one at localhost/, which is no registry."""
    return image.id.startswith(name.removeprefix("sha256:")) or any(
        own.startswith("localhost/")
        and own.removeprefix("localhost/").startswith(name.removeprefix("localhost/"))
        for own in image.names
    )


class Contexts:
    """The named contexts of a build: directories, resolved when first asked for."""

    def __init__(self, named: tuple[Named, ...], scratch: str) -> None:
        self._named = {item.name.lower(): item for item in named}
        self._scratch = scratch
        self._found: dict[str, str] = {}

    def get(self, name: str) -> Named | None:
        """A `--build-context` by its name."""
        return self._named.get(name.lower())

    def directory(self, item: Named) -> str:
        """Its files. Raises what resolving raises."""
        if item.name not in self._found:
            self._found[item.name] = resolve(item.location, self._scratch).directory
        return self._found[item.name]


def of_image(engine: Engine, image: Image, stack: ExitStack, platform: Platform) -> Origin:
    """The files of an image, mounted until the stack ends."""
    top = Draft.of_image(engine, image, "", platform).top
    workspace = Workspace(engine, top)
    stack.callback(workspace.close)
    return Origin(workspace.root, owned=True, key=f"image:{top}")
