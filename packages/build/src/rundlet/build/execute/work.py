"""What the stages of one build share, and what each thread of it has for itself."""

from __future__ import annotations

import os
from contextlib import contextmanager

from rundlet.core.errors import NotFound, RundletError
from rundlet.core.images.composing import NewLayer, base_layers

from . import origins
from .cache import Step, StepCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import ExitStack

    from rundlet.build.containerfile.stages import Containerfile, Stage
    from rundlet.build.ignore import Ignore
    from rundlet.core import Engine
    from rundlet.core.contracts.transport import Platform
    from rundlet.core.settings.snapshot import Settings
    from rundlet.core.state.images import Image

    from .arguments import BuildArguments
    from .options import BuildOptions
    from .origins import Contexts, Origin
    from .progress import Progress


class Shared:
    """Of a whole build for one platform. directory: its context. stages: builds one, by number.

    stopping: whether another stage has failed, so that this one need not go on.
    """

    def __init__(
        self,
        options: BuildOptions,
        file: Containerfile,
        arguments: BuildArguments,
        platform: Platform,
        *,
        directory: str,
        ignored: Ignore,
        contexts: Contexts,
        scratch: str,
        progress: Progress,
        settings: Settings,
    ) -> None:
        self.options = options
        self.file = file
        self.arguments = arguments
        self.platform = platform
        self.directory = directory
        self.ignored = ignored
        self.contexts = contexts
        self.scratch = scratch
        self.progress = progress
        self.settings = settings
        self.roots: Callable[[Work, int], Origin]
        self.stopping: Callable[[], bool] = lambda: False


class Work:
    """A thread's part: an engine, the cache, and what is to be undone at the end."""

    def __init__(self, shared: Shared, engine: Engine, stack: ExitStack) -> None:
        self.shared = shared
        self.options = shared.options
        self.file = shared.file
        self.arguments = shared.arguments
        self.ignored = shared.ignored
        self.scratch = shared.scratch
        self.progress = shared.progress
        self.engine = engine
        self.stack = stack
        self.images = origins.Images(engine, shared.options, shared.platform)
        self._cache: StepCache | None = None
        self._mounted: dict[str, Origin] = {}

    @property
    def cache(self) -> StepCache:
        """The cache of steps."""
        if self._cache is None:
            self._cache = StepCache(self.engine)
            self.stack.callback(self._cache.close)
        return self._cache

    def check(self) -> None:
        """Raise when another stage has failed."""
        if self.shared.stopping():
            raise Abandoned("another stage failed")

    def find(self, name: str, stage: Stage) -> Origin:
        """What a `from` names, "" the context: a named context, an earlier stage, an image."""
        if not name:
            return origins.Origin(self.shared.directory)
        named = self.shared.contexts.get(name)
        if named is not None and not named.image:
            return origins.Origin(self.shared.contexts.directory(named))
        if named is None:
            earlier = self.file.stage(name)
            if earlier is not None and earlier.index < stage.index:
                return self.shared.roots(self, earlier.index)
            if name.isdecimal():
                raise NotFound(f"--from={name}: there is no earlier stage of that number")
        image = named.image if named is not None else name
        if image not in self._mounted:
            self._mounted[image] = origins.of_image(
                self.engine, self.images.get(image), self.stack, self.shared.platform
            )
        return self._mounted[image]

    def site(self, stage: Stage, number: int) -> str:
        """The place of a step, for comparing with what was there in an earlier build."""
        platform = self.shared.platform
        return "\0".join(
            (
                os.path.realpath(stage.start.file),
                self.shared.directory,
                f"{platform.os}/{platform.architecture}/{platform.variant}",
                stage.name,
                str(number),
            )
        )

    def cached(self, key: str) -> Step | None:
        """A step of the cache here, or of one in a registry (--cache-from)."""
        found = self.cache.find(key, self.options.cache_ttl)
        for repository in () if found is not None else self.options.cache_from:
            try:
                image = self.engine.images.pull(
                    f"{repository}:{key}", policy="always", settings=self.options.settings
                )
            except RundletError:
                continue
            self.engine.images.untag(image.id, f"{repository}:{key}")  # a step has no name
            known = self.engine.images.config(image)
            blob = base_layers(self.engine, image)[-1]
            found = Step(NewLayer(blob, known.diff_ids[-1]), known.created)
            self.cache.keep(key, found)
            return found
        return found

    def keep_elsewhere(self, key: str, image: Image) -> None:
        """Push a step's image to the caches in registries (--cache-to)."""
        for repository in self.options.cache_to:
            self.engine.images.push(
                image.id, f"docker://{repository}:{key}", settings=self.options.settings
            )


@contextmanager
def located(where: str) -> Iterator[None]:
    """What fails in the block says at which file and line."""
    try:
        yield
    except RundletError as error:
        if where not in error.message:
            error.message = f"{where}: {error.message}"
            error.args = (error.message,)
        raise


class Abandoned(RundletError):
    """A stage that did not go on, because another one has failed; that one is told."""
