"""Images of an engine: `engine.images`."""

from __future__ import annotations

from ..contracts.transport import Platform, TransportSettings
from ..errors import InvalidArgument, NoSuchImage
from . import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ..contracts.storage import Change
    from ..engine import Engine
    from ..state.images import Image
    from ..transports.docker.search import Found
    from ..trust.signing import Signing
    from .config import ImageConfig
    from .encryption import Encryption
    from .progress import Progress
    from .pull import Pulled
    from .removing import Removed
    from .summary import ImageSummary
    from .tree import LayerNode


class Images:
    """The images of one graph root."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- looking

    def find(self, name: str) -> Image | None:
        """The image that a name or id means, or None. Raises AmbiguousName.

        A manifest list's name means its image for this machine.
        """
        found = self.named(name)
        if found is None or not found.list:
            return found
        from .lists import for_this_machine

        return for_this_machine(self._engine, found)

    def named(self, name: str) -> Image | None:
        """As `find`, but a manifest list itself where the name, or id, is one's."""
        found = names.find(self._engine.database, name)
        return found if found is not None else self._of_alias(name)

    def _of_alias(self, name: str) -> Image | None:
        """registries.conf is read only for what has no other meaning."""
        from . import shortnames

        try:
            full = shortnames.alias(self._engine, name)
        except InvalidArgument:
            return None  # no name at all
        return names.find(self._engine.database, str(full)) if full is not None else None

    def get(self, name: str) -> Image:
        """The image that a name or id means. Raises NoSuchImage, AmbiguousName."""
        found = self.find(name)
        if found is None:
            raise NoSuchImage(name)
        return found

    def exists(self, name: str) -> bool:
        """Whether a name or id means an image of the store."""
        return self.find(name) is not None

    def list(self) -> Sequence[ImageSummary]:
        """All images and manifest lists, newest first: one query, nothing parsed."""
        from .summary import summaries

        return summaries(self._engine.database)

    def config(self, image: Image) -> ImageConfig:
        """The image's config. Raises Corrupt when its blob is damaged or gone."""
        from .config import of_image

        return of_image(self._engine, image)

    def manifest(self, image: Image) -> dict[str, Any]:
        """The image's manifest, parsed. Raises Corrupt as `config`."""
        from .documents import manifest_of

        return manifest_of(self._engine, image)

    def inspect(self, image: Image) -> dict[str, Any]:
        """What `podman image inspect` tells, with its keys."""
        from .inspect import inspect

        return inspect(self._engine, image)

    def history(self, image: Image) -> Sequence[dict[str, Any]]:
        """What `podman history` tells, newest first."""
        from .inspect import history

        return history(self._engine, image)

    def layers(self, image: Image) -> Sequence[LayerNode]:
        """The layers of an image, lowest first, with the images that end at each."""
        from .tree import layers

        return layers(self._engine, image)

    def changes(self, image: Image) -> Iterator[Change]:
        """What an image's top layer changes in those below."""
        from .tree import changes

        return changes(self._engine, image)

    def mount(self, name: str) -> str:
        """Mount an image read-only until `unmount`; where (images/mounting.py)."""
        from .mounting import mount

        image = self.get(name)
        path = mount(self._engine, image)
        self._note("mount", image, "")
        return path

    def unmount(self, name: str, *, force: bool = False) -> bool:
        """Undo `mount`, with force for all who mounted it; whether it was mounted."""
        from .mounting import unmount

        image = self.get(name)
        gone = unmount(self._engine, image, force=force)
        if gone:
            self._note("unmount", image, "")
        return gone

    def mounted(self) -> Sequence[tuple[Image, str]]:
        """The images that `mount` mounted, and where."""
        from .mounting import listed

        return listed(self._engine)

    # --- names

    def tag(self, name: str, *targets: str) -> None:
        """Give an image, or a manifest list, more names; a short one is put at localhost/.

        Raises NoSuchImage.
        """
        from .tagging import tag

        image = self.named(name)
        if image is None:
            raise NoSuchImage(name)
        tag(self._engine, image, targets)

    def untag(self, name: str, *targets: str) -> None:
        """Take names from an image or manifest list, all when none is given, or none with an error.

        Raises NoSuchImage, NotFound for a name that is none.
        """
        image = self.named(name)
        if image is None:
            raise NoSuchImage(name)
        from .tagging import untag

        untag(self._engine, image, targets or image.names)

    # --- moving

    def pull(
        self,
        name: str,
        *,
        policy: str = "always",
        settings: TransportSettings = TransportSettings(),  # noqa: B008 (frozen)
        platform: Platform | None = None,
        progress: Progress | None = None,
        encryption: Encryption | None = None,
    ) -> Image:
        """Get an image from where its name says, of any transport.

        policy: always | missing | newer | never. platform: of an index; None is this machine.
        encryption: keys to decrypt layers with.
        Raises NoSuchImage, DeniedByPolicy, RegistryError, Corrupt and their kin; the store is
        then as before.
        """
        from .pull import pull

        return pull(self._engine, name, policy, settings, platform, progress, encryption).image

    def pull_all_tags(
        self,
        name: str,
        *,
        settings: TransportSettings = TransportSettings(),  # noqa: B008 (frozen)
        progress: Progress | None = None,
    ) -> Sequence[Pulled]:
        """Pull every tag of a repository."""
        from .pull import pull_all_tags

        return pull_all_tags(self._engine, name, settings, progress)

    def push(
        self,
        name: str,
        destination: str = "",
        *,
        settings: TransportSettings = TransportSettings(),  # noqa: B008 (frozen)
        format: str = "",
        compression: str = "",
        level: int | None = None,
        force: bool = False,
        progress: Progress | None = None,
        encryption: Encryption | None = None,
        signing: Signing | None = None,
        signatures: bool = True,
        platform: Platform | None = None,
    ) -> str:
        """Copy an image to `destination` (its own name when ""); the manifest's digest there.

        format: "oci" | "v2s1" | "v2s2" | "" as it is. compression: "gzip" | "zstd" of layers that
        are not compressed, with `force` of all. encryption: keys to encrypt layers to. signing: who
        signs it there. signatures: whether those that it has in the store go along.
        platform: the image for it, where the name is that of a manifest list. Such a list is
        pushed whole where it has no image for this machine, and no platform is named.
        Raises NoSuchImage, InvalidArgument, NotFound for a platform, RegistryError.
        """
        from .copy import CopyOptions
        from .plan import Wishes
        from .push import push

        options = CopyOptions(
            wishes=Wishes(format, compression, force, level),
            encryption=encryption,
            signing=signing,
            signatures=signatures,
        )
        return push(self._engine, name, destination, settings, options, progress, platform)

    def sign(self, name: str, signing: Signing) -> None:
        """Sign an image of the store, as the name that was meant unless `signing` says another.

        The signatures stay with the image and go along when it is pushed. Raises NoSuchImage,
        InvalidArgument.
        """
        from ..trust import kept

        image = self.get(name)
        named = names.meant(image, name) if image.names else ""
        made = signing.made(image.manifest, image.id, named)
        kept.add(self._engine, image.id, image.manifest, made)

    def save(
        self,
        images: Sequence[str],
        output: str,
        *,
        format: str = "docker-archive",
        tags: Sequence[str] = (),
        compress: bool = False,
        uncompressed: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Write images to a file or directory.

        format: docker-archive | oci-archive | oci-dir | docker-dir; several images, and more
        `tags` of the first, only in the first. compress: layers that are not compressed.
        uncompressed: layers without compression in the OCI formats.
        """
        from .plan import Wishes
        from .save import save

        wishes = Wishes(compression="gzip" if compress else "", plain=uncompressed)
        save(self._engine, images, tags, output, format, wishes, progress)

    def load(self, path: str, *, progress: Progress | None = None) -> Sequence[str]:
        """Read images from what `save` or another tool wrote; their names (or ids).

        Raises Corrupt, and DeniedByPolicy where the trust policy refuses one.
        """
        from .save import load

        return load(self._engine, path, progress)

    def import_(
        self,
        source: str,
        name: str = "",
        *,
        changes: Sequence[str] = (),
        message: str = "",
        platform: str = "",
    ) -> Image:
        """Make an image of one layer from a tarball: a path, a URL, or "-" for standard input.

        changes: Containerfile instructions for the config ("CMD /bin/sh"). platform:
        "os/architecture[/variant]", "" for this machine's.
        """
        from .importing import import_tarball

        return import_tarball(self._engine, source, name, changes, message, platform)

    # --- looking elsewhere

    def search(
        self,
        term: str,
        limit: int = 25,
        *,
        settings: TransportSettings = TransportSettings(),  # noqa: B008 (frozen)
    ) -> tuple[Sequence[Found], Sequence[str]]:
        """Repositories of registries, and why some could not be searched (podman-search(1))."""
        from .search import find

        return find(self._engine, term, limit, settings)

    def tags(
        self,
        name: str,
        *,
        settings: TransportSettings = TransportSettings(),  # noqa: B008 (frozen)
    ) -> Sequence[str]:
        """The tags of a repository ("host/path") in its registry."""
        from .telling import told

        transport = self._engine.plugins.transport("docker")
        return transport.tags(transport.parse(f"//{name}"), told(self._engine, settings))

    # --- removing

    def remove(self, name: str, *, force: bool = False, collect: bool = True) -> Removed:
        """Take a name away, and the image or manifest list with its last name (podman rmi).

        By id, an image with several names is only removed by force (else WrongState).
        collect: else what it took stays until somebody calls `engine.layers.collect`. Raises
        NoSuchImage, InUse naming the containers that need it (force removes them too), and
        WrongState for one of an additional image store.
        """
        from .removing import remove

        return remove(self._engine, name, force, collect)

    def prune(self, images: Sequence[str]) -> Iterator[str]:
        """Remove those of these images, by id, that nobody uses or has mounted; their ids.

        What interrupted pulls have left goes too.
        """
        from .removing import prune

        return prune(self._engine, images)

    def _note(self, action: str, image: Image, name: str) -> None:
        from .notify import event

        event(self._engine, action, image.id, name)
