"""Images of the engine as the CRI's messages."""

from __future__ import annotations

from rundlet.core import Engine
from rundlet.core.errors import Corrupt, InvalidArgument, NotFound
from rundlet.core.images import reference as references
from rundlet.core.images.manifest import OCI_MANIFEST
from rundlet.core.state.images import Image

from ..config.setup import config_of
from ..proto import api_pb2 as cri


def image_id(identity: str) -> str:
    """The id as the CRI has it: the config's digest."""
    return f"sha256:{identity}"


def reference(image: Image, spec: cri.ImageSpec) -> str:
    """What people see in the pod's status: the digest that an image was pulled by, its id for
    one without. Of several repositories, that of the name which the pod says.
    """
    if not image.digests:
        return image_id(image.id)
    name = _parsed(spec)
    start = f"{name.repository}@" if name is not None else ""
    return next((one for one in image.digests if start and one.startswith(start)), image.digests[0])


def named(image: Image, spec: cri.ImageSpec) -> cri.ImageSpec:
    """A container's image for its status: by name, where kubelet made it by id. Of several names
    that which the pod says.
    """
    found = cri.ImageSpec()
    found.CopyFrom(spec)
    if image.names:
        name = _parsed(spec)
        said = str(name.tagged()) if name is not None else ""
        found.image = said if said in image.names else image.names[0]
    return found


def _parsed(spec: cri.ImageSpec) -> references.Reference | None:
    """The name that the pod says; None for an id, and for what is no name."""
    try:
        return references.parse(spec.user_specified_image or spec.image)
    except InvalidArgument:
        return None


def image(engine: Engine, found: Image) -> cri.Image:
    """One image. `uid` or `username`: whom its config runs as, when it says."""
    message = cri.Image(
        id=image_id(found.id),
        repo_tags=found.names,
        repo_digests=found.digests,
        size=found.size,
        spec=cri.ImageSpec(image=image_id(found.id), annotations=_annotations(engine, found)),
        pinned=pinned(engine, found),
    )
    user = str(engine.images.config(found).config.get("User") or "").partition(":")[0]
    if user.isdecimal():
        message.uid.value = int(user)
    elif user:
        message.username = user
    else:
        message.uid.value = 0
    return message


def _annotations(engine: Engine, image: Image) -> dict[str, str]:
    """Those of the manifest, as CRI-O (containerd fills none). Docker's manifests have none; an
    image whose manifest is damaged must still be seen.
    """
    if image.manifest_type != OCI_MANIFEST:
        return {}
    try:
        said = engine.images.manifest(image).get("annotations") or {}
    except (Corrupt, NotFound):
        return {}
    return {str(name): str(value) for name, value in said.items()}


def pinned(engine: Engine, image: Image) -> bool:
    """Whether kubelet need not try to collect it: pinned_images, the pause image, and images of
    additional stores, which stay whatever kubelet does.
    """
    if image.store:
        return True
    config = config_of(engine)
    patterns = (*config.texts("crio.image.pinned_images"), config.text("crio.image.pause_image"))
    if any(_fits(name, pattern) for name in image.names for pattern in patterns if pattern):
        return True
    row = engine.database.row("SELECT pinned FROM images WHERE id = ?", image.id)
    return bool(row and row[0])


def _fits(name: str, pattern: str) -> bool:
    """crio.conf(5): the whole name, a beginning ("registry/*"), or a word in it ("*word*")."""
    if pattern.startswith("*") and pattern.endswith("*") and len(pattern) > 1:
        return pattern[1:-1] in name
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    try:
        return name == str(references.parse(pattern).tagged())
    except InvalidArgument:
        return False
