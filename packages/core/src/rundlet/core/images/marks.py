"""How encrypted layers are known, for those who only need to know that.

The work is `images.encryption`'s, which needs the library `cryptography`.
"""

from __future__ import annotations

from ..errors import InvalidArgument, NotSupported
from . import manifest as manifests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .descriptor import Descriptor
    from .manifest import Manifest

SUFFIX = "+encrypted"


def is_encrypted(layer: Descriptor) -> bool:
    """Whether a layer, or what it shall become, is encrypted."""
    return layer.media_type.endswith(SUFFIX)


def check_readable(manifest: Manifest) -> None:
    """Raise InvalidArgument for an image whose layers cannot be unpacked."""
    for layer in manifest.layers:
        if is_encrypted(layer):
            raise InvalidArgument(
                f"layer {layer.digest} is encrypted",
                remedy="Decrypt it with the private key of a recipient: --decryption-key FILE.",
            )


def check_kind(kind: str, compress: str) -> None:
    """Raise NotSupported where there are no words for encrypted layers: in manifests of other
    kinds, and at destinations that want them unpacked (`ImageDestination.compress`).
    """
    if kind != manifests.OCI_MANIFEST or compress == "uncompressed":
        raise NotSupported(
            "only images in OCI format have encrypted layers",
            remedy="Copy to a place that holds OCI images, with --format oci.",
        )
