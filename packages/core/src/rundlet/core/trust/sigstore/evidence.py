"""What a signature brings to be judged, whichever form it came in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import Corrupt, InvalidArgument
from ...images import reference as references
from ...images.descriptor import digest_parts
from ...value import Value
from .reading import decoded, document, field

if TYPE_CHECKING:
    from ..stored import Sigstore
    from .rekor import Entry

SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
CHAIN = "dev.sigstore.cosign/chain"
LOGGED = "dev.sigstore.cosign/bundle"
"""Annotations of what cosign attaches (cosign's SIGNATURE_SPEC.md)."""
COSIGN_TYPE = "cosign container image signature"
_LARGEST_PAYLOAD = 1 << 20


class Evidence(Value):
    """A signature that nobody has checked yet.

    message: the bytes that were signed. envelope: whether it is a DSSE envelope, with a payload.
    certificate: DER, or b"". chain: DER of more certificates, the issuer's
    first. digest, identity: what it says of the image: the manifest's digest, and a docker
    reference, "" for none.
    """

    message: bytes
    signature: bytes
    digest: str
    identity: str
    envelope: bool = False
    payload: bytes = b""
    certificate: bytes = b""
    chain: tuple[bytes, ...] = ()
    entries: tuple[Entry, ...] = ()


def attached(found: Sigstore) -> Evidence:
    """The evidence of what cosign attaches by tag. Raises Corrupt."""
    from .certificates import pem_blocks
    from .rekor import from_annotation

    if len(found.payload) > _LARGEST_PAYLOAD:
        raise Corrupt(f"its payload of {len(found.payload)} bytes is too large")
    said = found.annotations
    if SIGNATURE not in said:
        raise Corrupt(f"the annotation {SIGNATURE} is missing")
    certificates = pem_blocks(said.get(CERTIFICATE, ""))
    if CERTIFICATE in said and len(certificates) != 1:
        raise Corrupt(f"{CERTIFICATE}: expected one certificate")
    digest, identity = claim(found.payload)
    return Evidence(
        message=found.payload,
        signature=decoded(said[SIGNATURE], SIGNATURE),
        digest=digest,
        identity=identity,
        certificate=certificates[0] if certificates else b"",
        chain=pem_blocks(said.get(CHAIN, "")),
        entries=(from_annotation(said[LOGGED]),) if LOGGED in said else (),
    )


def claim(payload: bytes) -> tuple[str, str]:
    """Digest and docker reference of a payload as cosign signs it. Raises Corrupt.

    As strict as a simple signature, but for what is optional (containers/image's
    `UntrustedSigstorePayload`).
    """
    what = "its payload"
    root = document(payload, what)
    critical = field(root, "critical", dict, what)
    if set(root) - {"critical", "optional"} or set(critical) != {"type", "image", "identity"}:
        raise Corrupt(f"{what} has other fields than it should")
    if critical["type"] != COSIGN_TYPE:
        raise Corrupt(f"{what} is of type {critical['type']!r}")
    if not isinstance(root.get("optional"), dict | None):
        raise Corrupt(f"{what}: optional is no object")
    digest = field(critical, "image.docker-manifest-digest", str, what)
    identity = field(critical, "identity.docker-reference", str, what)
    return checked(digest, identity)


def checked(digest: str, identity: str) -> tuple[str, str]:
    """A digest and a docker reference ("" for none) that are what they should be."""
    try:
        digest_parts(digest)
        if identity:
            references.parse(identity)
    except InvalidArgument as error:
        raise Corrupt(f"its payload: {error.message}") from None
    return digest, identity
