"""Pulling: a name to an image of the store, by its transport and the copy engine."""

from __future__ import annotations

import sys
from contextlib import suppress

from ..contracts.transport import Platform
from ..errors import (
    DeniedByPolicy,
    InvalidArgument,
    NoSuchImage,
    NotFound,
    RegistryError,
    RundletError,
    TimedOut,
)
from ..state import images as rows
from ..value import Value
from . import names, shortnames
from .copy import CopyOptions, copy
from .digests import check_manifest
from .notify import event
from .platforms import native
from .progress import SILENT
from .schema1 import manifest_digest
from .store_destination import StoreDestination
from .telling import told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.transport import ImageSource, Location, TransportSettings
    from ..engine import Engine
    from ..state.images import Image
    from .encryption import Encryption
    from .progress import Progress
    from .reference import Reference

POLICIES = ("always", "missing", "newer", "never")


class Pulled(Value):
    """An image that was pulled, and the full name it got."""

    image: Image
    name: str


def pull(
    engine: Engine,
    name: str,
    policy: str,
    settings: TransportSettings,
    platform: Platform | None,
    progress: Progress | None,
    encryption: Encryption | None = None,
) -> Pulled:
    """Pull one image. See `Images.pull`."""
    if policy not in POLICIES:
        raise InvalidArgument(f"unsupported pull policy {policy!r}", remedy=", ".join(POLICIES))
    local = engine.images.find(name) if policy != "always" else None
    if policy == "never":
        return Pulled(engine.images.get(name), name)
    if (
        policy == "missing"
        and local is not None
        and (platform is None or _is_of(engine, local, platform))
    ):
        return Pulled(local, name)
    options = CopyOptions(
        platform=platform or settings.platform,
        parallel=engine.settings.image_parallel_copies,
        encryption=encryption,
        signatures=True,
        drop_void=True,
    )
    known = local if policy == "newer" else None
    try:
        pulled = _Pull(engine, settings, options, progress or SILENT, known).run(name)
    except RundletError as error:
        if isinstance(error, (RegistryError, TimedOut)) and known is not None:
            return Pulled(known, name)
        with suppress(RundletError):  # a full disk must not hide what went wrong
            event(engine, "pull-error", "", name, error=str(error))
        raise
    event(engine, "pull", pulled.image.id, name)
    _warn_of_platform(engine, pulled.image, platform)
    return pulled


def _is_of(engine: Engine, image: Image, wanted: Platform) -> bool:
    """Whether an image here is of the platform that was asked for, as far as both say."""
    config = engine.images.config(image)
    pairs = (
        (wanted.os, config.os),
        (wanted.architecture, config.architecture),
        (wanted.variant, config.variant),
    )
    return all(one == other for one, other in pairs if one and other)


def _warn_of_platform(engine: Engine, image: Image, wanted: Platform | None) -> None:
    """Say on standard error, as podman does, that an image is of another platform than was asked
    for (None: this machine's). It is used: many an image has a wrong one written in it.
    """
    expected = wanted or native().replace(variant="")
    if _is_of(engine, image, expected):
        return
    config = engine.images.config(image)
    sys.stderr.write(
        f"WARN[0000] image platform ({config.os}/{config.architecture}) does not match the"
        f" expected platform ({expected.os}/{expected.architecture})\n"
    )


class NoSuchImageAnywhere(NoSuchImage):
    """A short name that no search registry has; the message has each registry's words."""

    def __init__(self, name: str, errors: list[RundletError]) -> None:
        super().__init__(name)
        listed = "".join(f"\n  * {error.message}" for error in errors)
        self.message = f"{len(errors)} errors occurred while pulling {name}:{listed}"


def guarded(engine: Engine, location: Location, options: CopyOptions) -> CopyOptions:
    """The options, with what the trust policy requires of images of a place."""
    from ..trust.policy import configured, guard

    return options.replace(allow=guard(configured(engine.settings), location))


class _Pull:
    """One pull: what it is told, and the places that it tries.

    known: an image that is as good, where the place still has that one.
    """

    def __init__(
        self,
        engine: Engine,
        settings: TransportSettings,
        options: CopyOptions,
        progress: Progress,
        known: Image | None,
    ) -> None:
        self._engine = engine
        self._settings = told(engine, settings)
        self._options = options
        self._progress = progress
        self._known = known

    def run(self, name: str) -> Pulled:
        """Pull a name of any transport. Raises NoSuchImageAnywhere, and what a transport raises."""
        split = names.split_transport(self._engine, name)
        if split is not None and split[0] != "docker":
            return self._from_transport(*split)
        text = name if split is None else split[1].removeprefix("//")
        errors: list[RundletError] = []
        found = shortnames.resolved(self._engine, text)
        if found.why:
            self._progress.message(found.why)
        for candidate in found.candidates:
            self._progress.message(f"Trying to pull {candidate}...")
            try:
                return self._from_registry(candidate)
            except (NotFound, RegistryError, TimedOut) as error:
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        raise NoSuchImageAnywhere(name, errors)

    def _from_registry(self, name: Reference) -> Pulled:
        """Pull a full name; the transport knows its mirrors."""
        admit(self._engine, str(name))
        transport = self._engine.plugins.transport("docker")
        location = transport.parse(f"//{name}")
        options = guarded(self._engine, location, self._options)
        with transport.source(location, self._settings) as source:
            top = source.manifest()
            digest = manifest_digest(top.data)
            if name.digest and digest != name.digest:
                check_manifest(top.data, name.digest)  # it may be of another algorithm
            known = self._known
            if known is not None and any(item.endswith(f"@{digest}") for item in known.digests):
                return Pulled(known, str(name))
            keep = (str(name.replace(digest="")),) if name.tag else ()
            with StoreDestination(self._engine, keep, (name.repository, digest)) as destination:
                copy(source, destination, options, self._progress)
                image = rows.get(self._engine.database, destination.image)
        assert image is not None
        return Pulled(image, str(name))

    def _from_transport(self, transport_name: str, text: str) -> Pulled:
        transport = self._engine.plugins.transport(transport_name)
        location = transport.parse(text)
        admit(self._engine, str(location))
        options = guarded(self._engine, location, self._options)
        with transport.source(location, self._settings) as source:
            full = _local_names(location)
            if not location.name and transport_name.endswith("-archive"):  # it says its own names
                tags = transport.tags(location, self._settings)
                full = tuple(str(names.stored_name(tag)) for tag in tags if not tag.startswith("@"))
            image = copy_into_store(self._engine, source, full, options, self._progress)
        return Pulled(image, str(location))


def _local_names(location: Location) -> tuple[str, ...]:
    if not location.name:
        return ()
    try:
        return (str(names.stored_name(location.name)),)
    except InvalidArgument:
        return ()


def copy_into_store(
    engine: Engine,
    source: ImageSource,
    full_names: tuple[str, ...],
    options: CopyOptions,
    progress: Progress,
) -> Image:
    """Copy an opened source into the store under these names."""
    with StoreDestination(engine, full_names) as destination:
        copy(source, destination, options, progress)
        image = rows.get(engine.database, destination.image)
    assert image is not None
    return image


def admit(engine: Engine, name: str) -> None:
    """Ask the admission hooks before anything is fetched."""
    if not engine.plugins.available("hooks"):
        return
    from ..views import ImageView

    for reason in engine.plugins.call("rundlet_admit_image", image=ImageView(name), action="pull"):
        if reason:
            raise DeniedByPolicy(f"{name}: not allowed to pull: {reason}")


def pull_all_tags(
    engine: Engine, name: str, settings: TransportSettings, progress: Progress | None
) -> list[Pulled]:
    """Pull every tag of a repository. Raises InvalidArgument when the name has a tag."""
    text = name.removeprefix("docker://")
    wanted = shortnames.resolved(engine, text).candidates[0]
    if ":" in text.rpartition("/")[2] or "@" in text:
        raise InvalidArgument(f"--all-tags needs a name without tag or digest, not {name!r}")
    transport = engine.plugins.transport("docker")
    location = transport.parse(f"//{wanted.repository}")
    return [
        pull(engine, f"{wanted.repository}:{tag}", "always", settings, None, progress)
        for tag in transport.tags(location, told(engine, settings))
    ]
