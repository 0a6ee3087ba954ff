"""Whether an image may be used: a policy's requirements, and the signatures that there are."""

from __future__ import annotations

from contextlib import ExitStack

from ..errors import Corrupt, DeniedByPolicy, RundletError, SignatureDenied
from ..images import reference as references
from ..images.digests import digest_of
from . import gpg, simple
from .scopes import identity, scopes
from .stored import is_simple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.transport import Location
    from ..images.reference import Reference
    from .policy import Identity, Policy, Requirement


def allow(policy: Policy, location: Location, manifest: bytes, signatures: Sequence[bytes]) -> None:
    """Raise DeniedByPolicy unless an image fulfils all that is required of it.

    manifest: its bytes as they were read; signatures: as its source has them.
    """
    required, scope = policy.required(location.transport, scopes(location))
    named = f"{location} (requirements of {scope or 'the default'})"
    if policy.signed and all(one.kind == "insecureAcceptAnything" for one in required):
        raise SignatureDenied(f"{named}: No signature verification policy found for image")
    for requirement in required:
        if requirement.kind == "insecureAcceptAnything":
            continue
        if requirement.kind == "reject":
            raise SignatureDenied(f"{named}: rejected by policy")
        if requirement.kind == "signedBaseLayer":
            raise SignatureDenied(f"{named}: signedBaseLayer is reserved, and fulfilled by nothing")
        simple_ones = [one for one in signatures if is_simple(one)]
        others = [one for one in signatures if not is_simple(one)]
        image = identity(location)
        try:
            if requirement.kind == "signedBy":
                _signed(requirement, image, digest_of(manifest), _some(simple_ones, others, ""))
            else:
                _sigstore(requirement, image, manifest, _some(others, simple_ones, _WHERE))
        except SignatureDenied as error:
            raise SignatureDenied(f"{named}: {error.message}", remedy=error.remedy) from None


_WHERE = (
    "Sigstore's signatures in a registry are looked for where registries.d says"
    " use-sigstore-attachments: true."
)


def _some(wanted: list[bytes], others: list[bytes], remedy: str) -> list[bytes]:
    """The signatures of the wanted kind. Raises SignatureDenied for none."""
    if not wanted:
        told = f" ({len(others)} of another kind)" if others else ""
        text = f"A signature was required, but no signature exists{told}"
        raise SignatureDenied(text, remedy=remedy)
    return wanted


def _signed(
    requirement: Requirement, image: Reference | None, digest: str, signatures: list[bytes]
) -> None:
    """Raise SignatureDenied unless one of the signatures is of this image, by one of the keys."""
    reasons = []
    with ExitStack() as stack:
        loaded = [data for data, _ in requirement.keys.loaded()]
        keys = stack.enter_context(gpg.imported(*loaded))
        for signature in signatures:
            try:
                signed = gpg.verify(signature, keys)
                claim = simple.read(signed.content)
            except (DeniedByPolicy, Corrupt) as error:
                reasons.append(error.message)
                continue
            if claim.digest != digest:
                reasons.append(f"it is of {claim.digest}, not of {digest}")
            elif not claims(requirement.identity, claim.identity, image):
                reasons.append(f"its name {claim.identity} is not accepted")
            else:
                return
    raise SignatureDenied(f"no signature is accepted: {'; '.join(reasons)}")


def _sigstore(
    requirement: Requirement, image: Reference | None, manifest: bytes, signatures: list[bytes]
) -> None:
    """Raise SignatureDenied unless one of the signatures is what is required."""
    from .sigstore import check
    from .stored import unpacked

    roots = check.roots(requirement)
    reasons = []
    for signature in signatures:
        try:
            found = check.judged(unpacked(signature), manifest)
            check.accept(roots, found, manifest)
            if not claims(requirement.identity, found.identity, image):
                raise DeniedByPolicy(_unnamed(found.identity))
        except (DeniedByPolicy, Corrupt) as error:
            reasons.append(error.message)
        else:
            return
    raise SignatureDenied(f"no signature is accepted: {'; '.join(reasons)}")


def _unnamed(name: str) -> str:
    if name:
        return f"its name {name} is not accepted"
    return 'it names no image: only the signedIdentity "matchDigest" accepts that'


def claims(wanted: Identity, claimed: str, image: Reference | None) -> bool:
    """Whether the name in a signature is the one that is wanted for an image."""
    if wanted.kind == "matchDigest":
        return True
    try:
        name = references.parse(claimed)
    except RundletError:
        return False
    if wanted.kind == "exactReference":
        return name == references.parse(wanted.values[0])
    if wanted.kind == "exactRepository":
        return name.repository == references.parse(wanted.values[0]).repository
    if image is None:  # the others compare with the image's own name
        return False
    if wanted.kind == "matchRepository":
        return name.repository == image.repository
    if wanted.kind == "matchExact":
        return name == image
    if wanted.kind == "remapIdentity":
        image = _remapped(image, *wanted.values)
    if image.digest:
        return bool(name.tag or name.digest) and name.repository == image.repository
    return name == image


def _remapped(image: Reference, prefix: str, signed: str) -> Reference:
    """The image's name with another beginning, where it begins so."""
    text = str(image)
    rest = text.removeprefix(prefix)
    if rest == text or rest[:1] not in ("/", ":", "@", ""):
        return image
    return references.parse(signed + rest)
