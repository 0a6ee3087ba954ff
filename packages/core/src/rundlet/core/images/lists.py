"""Manifest lists: several images of the store under one name, each for a platform.

`GRAPH/build/lists/HASH.json`, an OCI image index (image-spec image-index.md) beside its name
and the ids of its images. These stay images of the store; whoever removes one is told of it
when the list is pushed. The image for this machine has the list's name as well, so that
`run NAME` finds it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os

from ..errors import AlreadyExists, Corrupt, NoSpace, NotFound, StoreError
from ..linux.processes import partial_name
from ..value import EMPTY, Value
from . import manifest as manifests
from . import platforms
from .names import stored_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ..contracts.transport import Platform
    from ..engine import Engine
    from ..state.images import Image


class Entry(Value):
    """One image of a list: its id, and its descriptor in an index (with the platform)."""

    image: str
    descriptor: Mapping[str, Any] = EMPTY

    @property
    def digest(self) -> str:
        """Of its manifest."""
        return str(self.descriptor["digest"])


class ManifestList(Value):
    """A list. name: full, as `localhost/app:latest`."""

    name: str
    entries: tuple[Entry, ...] = ()
    annotations: Mapping[str, str] = EMPTY

    def document(self) -> dict[str, Any]:
        """As an OCI image index."""
        found: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": manifests.OCI_INDEX,
            "manifests": [dict(entry.descriptor) for entry in self.entries],
        }
        if self.annotations:
            found["annotations"] = dict(self.annotations)
        return found

    def data(self) -> bytes:
        """The bytes of the index."""
        return json.dumps(self.document(), separators=(",", ":")).encode()

    def entry(self, text: str) -> Entry:
        """The one with this digest, or of the image with this id. Raises NotFound."""
        bare = text.removeprefix("sha256:")
        for entry in self.entries:
            if bare and (entry.digest == f"sha256:{bare}" or entry.image.startswith(bare)):
                return entry
        raise NotFound(f"no image {text} in the manifest list {self.name}")

    def with_entry(self, entry: Entry) -> ManifestList:
        """With one more, which takes the place of the one for the same platform."""
        platform = entry.descriptor.get("platform")
        kept = [
            one
            for one in self.entries
            if one.digest != entry.digest and one.descriptor.get("platform") != platform
        ]
        return self.replace(entries=(*kept, entry))


class Lists:
    """The manifest lists of a graph root."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._directory = os.path.join(engine.settings.graph_root, "build", "lists")

    def get(self, name: str) -> ManifestList:
        """A list. Raises NotFound, Corrupt."""
        full = str(stored_name(name))
        path = self._path(full)
        try:
            with open(path, encoding="utf-8") as file:
                return _parsed(json.load(file))
        except FileNotFoundError:
            raise NotFound(
                f"{full}: no such manifest list", remedy="See rundlet-build manifest create."
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise Corrupt(
                f"the manifest list {full} in {path} is damaged: {error!r}",
                remedy=f"Remove it and make it anew: rundlet-build manifest rm {full}",
            ) from error

    def exists(self, name: str) -> bool:
        """Whether there is a list of this name."""
        return os.path.exists(self._path(str(stored_name(name))))

    def create(
        self, name: str, *, amend: bool = False, annotations: Mapping[str, str] = EMPTY
    ) -> ManifestList:
        """An empty list; with amend, the one that is there. Raises AlreadyExists."""
        full = str(stored_name(name))
        with self._locked(full):
            if self.exists(full):
                if not amend:
                    raise AlreadyExists(
                        f"the manifest list {full} already exists",
                        remedy="Give another name, or --amend.",
                    )
                return self.get(full)
            made = ManifestList(full, annotations=dict(annotations))
            self._write(made)
            return made

    def change(self, name: str, how: Callable[[ManifestList], ManifestList]) -> ManifestList:
        """Read, change and write a list while nobody else does. Raises what `how` raises."""
        full = str(stored_name(name))
        with self._locked(full):
            changed = how(self.get(full))
            self._write(changed)
            return changed

    def add(
        self, name: str, image: Image, changes: Mapping[str, Any] = EMPTY
    ) -> tuple[ManifestList, Entry]:
        """Add an image of the store. changes: of its descriptor, "platform" key by key."""
        entry = described(self._engine, image, changes)
        return self.change(name, lambda known: known.with_entry(entry)), entry

    def include(self, name: str, images: Iterable[Image]) -> None:
        """Add images to a list, which is made where it is not there.

        The one for this machine gets the name of the list, so that `run NAME` finds it.
        """
        self.create(name, amend=True)
        here = platforms.native()
        for image in images:
            self.add(name, image)
            if (image.os, image.architecture) == (here.os, here.architecture):
                self._engine.images.tag(image.id, name)

    def remove(self, name: str) -> str:
        """Remove a list, not its images; its full name. Raises NotFound."""
        full = str(stored_name(name))
        with self._locked(full):
            try:
                os.unlink(self._path(full))
            except FileNotFoundError:
                raise NotFound(f"{full}: no such manifest list") from None
        return full

    def _locked(self, full: str) -> Any:
        return self._engine.locks.hold("manifest-list", _hash(full))

    def _path(self, full: str) -> str:
        return os.path.join(self._directory, f"{_hash(full)}.json")

    def _write(self, made: ManifestList) -> None:
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        path = self._path(made.name)
        partial = partial_name(path)
        document = {
            "name": made.name,
            "images": [entry.image for entry in made.entries],
            "index": made.document(),
        }
        try:
            with open(partial, "w", encoding="utf-8") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except OSError as error:
            kind = NoSpace if error.errno == errno.ENOSPC else StoreError
            raise kind(f"cannot write the manifest list {path}: {error.strerror}") from error
        finally:
            if os.path.exists(partial):
                os.unlink(partial)


def instance(engine: Engine, name: str, wanted: Platform) -> Image:
    """The image of a list for a platform; of a name that is no list, the image, if it is for that.

    Raises NotFound naming the platforms that are there, NoSuchImage for one removed meanwhile.
    """
    lists = Lists(engine)
    if lists.exists(name):
        known = lists.get(name)
        entries = known.entries
        data = known.data()
    else:
        entries = (described(engine, engine.images.get(name)),)
        data = ManifestList(name, entries).data()
    index = manifests.parse(data)
    assert isinstance(index, manifests.Index)  # what `document` makes
    digest = platforms.choose(index, wanted).digest
    return engine.images.get(next(one.image for one in entries if one.digest == digest))


def for_this_machine(engine: Engine, name: str) -> Image | None:
    """The image that a list's name means where an image is wanted, as podman has it.

    None where there is no such list, or none of its images in the store is for this machine.
    """
    lists = Lists(engine)
    try:
        return instance(engine, name, platforms.native()) if lists.exists(name) else None
    except NotFound:  # no such platform, or its image was removed
        return None


def described(engine: Engine, image: Image, changes: Mapping[str, Any] = EMPTY) -> Entry:
    """The entry for an image of the store, its platform that of its config."""
    config = engine.images.config(image).document
    words = ("architecture", "os", "variant", "os.version", "os.features")
    platform = {word: config[word] for word in words if config.get(word)}
    platform.update(changes.get("platform") or {})
    descriptor: dict[str, Any] = {
        "mediaType": image.manifest_type,
        "digest": image.manifest,
        "size": len(engine.blobs.read(image.manifest)),
        "platform": platform,
    }
    if changes.get("annotations"):
        descriptor["annotations"] = dict(changes["annotations"])
    return Entry(image.id, descriptor)


def _parsed(document: Mapping[str, Any]) -> ManifestList:
    index = document["index"]
    entries = [
        Entry(image, descriptor)
        for image, descriptor in zip(document["images"], index["manifests"], strict=True)
    ]
    return ManifestList(document["name"], tuple(entries), index.get("annotations") or {})


def _hash(full: str) -> str:
    return hashlib.sha256(full.encode()).hexdigest()[:32]
