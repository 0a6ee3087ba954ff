"""`engine.artifacts`: files of any kind, kept under names and moved by registries."""

from __future__ import annotations

import os

from ..contracts.transport import TransportSettings
from ..errors import NoSuchArtifact
from .store import Artifact, Store, full_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ..engine import Engine
    from ..images.descriptor import Descriptor
    from ..images.encryption import Encryption
    from ..images.progress import Progress
    from ..trust.signing import Signing
    from .add import Adding

    Many = list[Artifact]  # the name that `list` has inside the class is the method's

_PLAIN = TransportSettings()


class Artifacts:
    """The artifacts of one graph root. Names are full ("localhost/models:1"), ":latest" without
    a tag; where one is to be found, (the beginning of) its digest does too.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = Store(os.path.join(os.path.abspath(engine.settings.graph_root), "artifacts"))

    def add(self, name: str, paths: Sequence[str], how: Adding) -> str:
        """Make an artifact of files; the digest of its manifest.

        Raises AlreadyExists, NotFound for a file, NoSuchArtifact when it is to be appended to,
        InvalidArgument.
        """
        from .add import add

        digest = add(self._engine, self._store, name, paths, how)
        self._note("create", digest, name)
        return digest

    def list(self) -> Many:
        """All, by name."""
        return self._store.all()

    def get(self, name: str) -> Artifact:
        """Raises NoSuchArtifact, AmbiguousName."""
        return self._store.get(name)

    def inspect(self, name: str) -> dict[str, Any]:
        """podman artifact inspect's document."""
        found = self.get(name)
        return {"Manifest": found.manifest, "Name": found.name, "Digest": found.digest}

    def pull(
        self,
        name: str,
        *,
        settings: TransportSettings = _PLAIN,
        progress: Progress | None = None,
        encryption: Encryption | None = None,
    ) -> str:
        """Get one from its registry, as it is but for what is decrypted; the digest of its
        manifest.
        """
        from .moving import pull

        digest = pull(self._engine, self._store, name, settings, progress, encryption)
        self._note("pull", digest, name)
        return digest

    def push(
        self,
        name: str,
        destination: str = "",
        *,
        settings: TransportSettings = _PLAIN,
        progress: Progress | None = None,
        signing: Signing | None = None,
    ) -> str:
        """Send one to its registry, or to another name; the digest of its manifest there."""
        from .moving import push

        digest = push(self._engine, self._store, name, destination, settings, progress, signing)
        self._note("push", digest, destination or self.get(name).name)
        return digest

    def remove(self, name: str) -> str:
        """Forget one, with the files that no other one has; its digest. Raises NoSuchArtifact."""
        from ..errors import NoSuchImage

        found = self.get(name)
        try:
            self._store.transport.delete(self._store.location(found.name), _PLAIN)
        except NoSuchImage:  # another process was faster
            raise NoSuchArtifact(name) from None
        self._note("remove", found.digest, found.name)
        return found.digest

    def extract(self, name: str, target: str, *, digest: str = "", title: str = "") -> None:
        """Write its files to a path. Raises as extract.extract."""
        from .extract import extract

        extract(self._store, self.get(name), target, digest, title)

    def files(self, name: str, *, digest: str = "", title: str = "") -> Sequence[tuple[str, str]]:
        """The names and the paths in the store of its files, to be mounted. Raises as `extract`."""
        from .extract import chosen, file_name

        wanted: tuple[Descriptor, ...] = chosen(self.get(name), digest, title)
        return [(file_name(blob, bool(digest)), self._store.blob_path(blob)) for blob in wanted]

    def _note(self, action: str, digest: str, name: str) -> None:
        """Add a line to `rundlet events`: create, pull, push or remove, and the full name."""
        from ..state import events

        engine, identity = self._engine, digest.partition(":")[2]
        events.note(
            engine.database, "artifact", action, identity, full_name(name), plugins=engine.plugins
        )

    # --- the store as a whole

    def used(self) -> int:
        """Bytes of all its files, each counted once."""
        from .upkeep import used

        return used(self._store)

    def damaged(self, *, quick: bool = False) -> Iterator[tuple[str, str]]:
        """Name, and what is wrong, of each that is not whole. quick: by the sizes of files only.

        Raises Corrupt where nobody knows what there is.
        """
        from .upkeep import damaged

        return damaged(self._store, quick=quick)

    def unneeded(self) -> Sequence[str]:
        """Files that no artifact needs: killed commands left them. Raises as `damaged`."""
        from .upkeep import unneeded

        return unneeded(self._store)

    def sweep(self) -> None:
        """Delete what is `unneeded`, unless somebody writes to the store just now."""
        from .upkeep import sweep

        sweep(self._store)

    def drop(self, name: str) -> None:
        """Forget a damaged one, by its full name."""
        self._store.transport.delete(self._store.location(name), _PLAIN)

    def give_up(self) -> None:
        """Remove all of them, where `damaged` cannot say what there is."""
        from .upkeep import sweep

        os.unlink(self._store.index)
        sweep(self._store)
