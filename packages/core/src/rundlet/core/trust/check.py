"""Whether an image may be used: a policy's requirements, and the signatures that there are."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..errors import Corrupt, DeniedByPolicy, RundletError, SettingsError
from ..images import reference as references
from ..images.copy import digest_of
from . import gpg, simple
from .scopes import identity, scopes

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
    for requirement in required:
        if requirement.kind == "insecureAcceptAnything":
            continue
        if requirement.kind == "reject":
            raise DeniedByPolicy(f"{named}: rejected by policy")
        if requirement.kind != "signedBy":
            raise DeniedByPolicy(f"{named}: {requirement.kind} cannot be checked yet")
        _signed(requirement, location, named, digest_of(manifest), signatures)


def _signed(
    requirement: Requirement,
    location: Location,
    named: str,
    digest: str,
    signatures: Sequence[bytes],
) -> None:
    """Raise DeniedByPolicy unless one of the signatures is of this image, by one of the keys."""
    if not signatures:
        raise DeniedByPolicy(f"{named}: A signature was required, but no signature exists")
    reasons = []
    with ExitStack() as stack:
        keys = stack.enter_context(gpg.imported(*_keys(requirement)))
        for signature in signatures:
            try:
                signed = gpg.verify(signature, keys)
                claim = simple.read(signed.content)
            except (DeniedByPolicy, Corrupt) as error:
                reasons.append(error.message)
                continue
            if claim.digest != digest:
                reasons.append(f"it is of {claim.digest}, not of {digest}")
            elif not claims(requirement.identity, claim.identity, identity(location)):
                reasons.append(f"its name {claim.identity} is not accepted")
            else:
                return
    raise DeniedByPolicy(f"{named}: no signature is accepted: {'; '.join(reasons)}")


def _keys(requirement: Requirement) -> list[bytes]:
    keys = [*requirement.keys]
    for path in requirement.key_paths:
        try:
            with open(path, "rb") as file:
                keys.append(file.read())
        except OSError as error:
            raise SettingsError(
                f"cannot read the key file {path} of the trust policy: {error.strerror}"
            ) from None
    return keys


def claims(wanted: Identity, claimed: str, image: Reference | None) -> bool:
    """Whether the name in a signature is the one that is wanted for an image."""
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
