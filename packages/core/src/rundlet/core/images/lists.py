"""Manifest lists: several images of the store under one name, each for a platform.

A list is a row among the images, with names and an id as theirs; its column `list` has an OCI
image index (image-spec image-index.md) and the ids of its images. These stay images of the store;
whoever removes one is told of it when the list is pushed. Where an image is wanted, a list's name
means its image for this machine, so that `run NAME` finds it.
"""

from __future__ import annotations

import hashlib
import json
import secrets

from ..errors import AlreadyExists, NoSuchImage, NotFound, WrongState
from ..state import images as rows
from ..state.images import Image
from ..value import EMPTY, Value
from . import manifest as manifests
from . import platforms
from .names import meant, stored_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ..contracts.transport import Platform
    from ..engine import Engine
    from .removing import Removed


class Entry(Value):
    """One image of a list: its id, and its descriptor in an index (with the platform)."""

    image: str
    descriptor: Mapping[str, Any] = EMPTY

    @property
    def digest(self) -> str:
        """Of its manifest."""
        return str(self.descriptor["digest"])


class ManifestList(Value):
    """A list. name: the one of its names that was asked for, full: `localhost/app:latest`."""

    id: str
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

    def get(self, name: str) -> ManifestList:
        """A list, by a name or an id. Raises NoSuchImage, WrongState for what is an image."""
        found = self._engine.images.named(name)
        if found is None:
            raise NoSuchImage(name)
        if not found.list:
            raise WrongState(f"{name}: image is not a manifest list")
        return _of_row(found, name)

    def exists(self, name: str) -> bool:
        """Whether there is a list of this name."""
        found = self._engine.images.named(name)
        return found is not None and bool(found.list)

    def create(
        self, name: str, *, amend: bool = False, annotations: Mapping[str, str] = EMPTY
    ) -> ManifestList:
        """An empty list; with amend, the one that is there. Raises AlreadyExists, and WrongState
        for amending what is an image.
        """
        full = str(stored_name(name))
        with self._engine.database.transaction():
            if rows.by_name(self._engine.database, full) is not None:
                if amend:
                    return self.get(full)
                raise AlreadyExists(
                    f"that name is already in use: {full} already exists",
                    remedy="Give another name, or --amend for a manifest list.",
                )
            made = ManifestList(secrets.token_hex(32), full, annotations=dict(annotations))
            rows.insert_list(self._engine.database, _row(made))
            rows.set_name(self._engine.database, full, made.id)
        return made

    def change(self, name: str, how: Callable[[ManifestList], ManifestList]) -> ManifestList:
        """Read, change and write a list while nobody else does. Raises as `get`, and what `how`
        raises.
        """
        with self._engine.database.transaction():
            changed = how(self.get(name))
            rows.change_list(self._engine.database, _row(changed))
        return changed

    def add(
        self, name: str, image: Image, changes: Mapping[str, Any] = EMPTY
    ) -> tuple[ManifestList, Entry]:
        """Add an image of the store. changes: of its descriptor, "platform" key by key."""
        entry = described(self._engine, image, changes)
        return self.change(name, lambda known: known.with_entry(entry)), entry

    def include(self, name: str, images: Iterable[Image]) -> None:
        """Add images to a list, which is made where it is not there."""
        self.create(name, amend=True)
        for image in images:
            self.add(name, image)

    def remove(self, name: str, *, force: bool = False) -> Removed:
        """Take a list's name away, and the list with its last one, not its images; by id with
        several names only by force. Raises as `get`.
        """
        self.get(name)
        return self._engine.images.remove(name, force=force)


def instance(engine: Engine, name: str, wanted: Platform) -> Image:
    """The image of a list for a platform; of a name that is no list, the image, if it is for that.

    Raises NotFound naming the platforms that are there, NoSuchImage for one removed meanwhile.
    """
    found = engine.images.named(name)
    if found is None:
        raise NoSuchImage(name)
    if found.list:
        return _chosen(engine, _of_row(found, name), wanted)
    return _chosen(engine, ManifestList("", name, (described(engine, found),)), wanted)


def for_this_machine(engine: Engine, found: Image) -> Image | None:
    """The image that a list means where an image is wanted, as podman has it.

    None where none of its images in the store is for this machine.
    """
    try:
        return _chosen(engine, _of_row(found, found.id), platforms.native())
    except NotFound:  # no such platform, or its image was removed
        return None


def _chosen(engine: Engine, known: ManifestList, wanted: Platform) -> Image:
    index = manifests.parse(known.data())
    assert isinstance(index, manifests.Index)  # what `document` makes
    digest = platforms.choose(index, wanted).digest
    entry = next(one for one in known.entries if one.digest == digest)
    image = rows.get(engine.database, entry.image)
    if image is None:
        raise NoSuchImage(entry.image)
    return image


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


def _of_row(found: Image, name: str) -> ManifestList:
    """The list of a row. name: by which it was found."""
    document = json.loads(found.list)
    index = document["index"]
    entries = [
        Entry(image, descriptor)
        for image, descriptor in zip(document["images"], index["manifests"], strict=True)
    ]
    full = meant(found, name) if found.names else name
    return ManifestList(found.id, full, tuple(entries), index.get("annotations") or {})


def _row(known: ManifestList) -> Image:
    data = known.data()
    images = [entry.image for entry in known.entries]
    return Image(
        known.id,
        f"sha256:{hashlib.sha256(data).hexdigest()}",
        manifests.OCI_INDEX,
        size=len(data),
        list=json.dumps({"images": images, "index": known.document()}),
    )
