"""Whether a sigstore signature fulfils what a policy requires (containers-policy.json(5),
`sigstoreSigned`). Nothing is asked of anybody: keys, roots and logs are given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import DeniedByPolicy, InvalidArgument, SettingsError
from ...images.digests import digest_of
from ...value import Value
from .. import stored
from . import bundle, certificates, evidence, keys, rekor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate

    from ..policy import Requirement
    from ..stored import Sigstore
    from .evidence import Evidence
    from .keys import PublicKey


class Roots(Value):
    """What a requirement trusts, loaded once."""

    requirement: Requirement
    keys: tuple[PublicKey, ...]
    logs: tuple[PublicKey, ...]
    authorities: tuple[Certificate, ...] = ()
    between: tuple[Certificate, ...] = ()


def roots(requirement: Requirement) -> Roots:
    """The keys and certificates of a requirement. Raises SettingsError naming what is no such."""
    found = requirement.sigstore
    assert found is not None
    try:
        identified = found.fulcio or found.pki
        return Roots(
            requirement,
            tuple(keys.public(data, what) for data, what in found.keys.loaded()),
            tuple(keys.public(data, what) for data, what in found.logs.loaded()),
            tuple(
                one
                for data, what in (identified.roots.loaded() if identified else ())
                for one in certificates.roots(data, what)
            ),
            tuple(
                one
                for data, what in (found.pki.between.loaded() if found.pki else ())
                for one in certificates.roots(data, what)
            ),
        )
    except InvalidArgument as error:
        raise SettingsError(f"trust policy: {error.message}") from None


def judged(found: Sigstore, manifest: bytes) -> Evidence:
    """What a signature brings. Raises Corrupt, DeniedByPolicy for what is no signature."""
    if found.media_type == stored.SIMPLE_SIGNING:
        return evidence.attached(found)
    if found.media_type in bundle.MEDIA_TYPES:
        return bundle.read(found, manifest)
    raise DeniedByPolicy(f"it is of type {found.media_type!r}, not a signature")


def accept(trusted: Roots, signature: Evidence, manifest: bytes) -> None:
    """Raise DeniedByPolicy unless a signature is by whom it should be, and of this manifest."""
    key = _signer(trusted, signature)
    keys.verify((key,), signature.signature, signature.message)
    digest = digest_of(manifest)
    if signature.digest != digest:
        raise DeniedByPolicy(f"it is of {signature.digest}, not of {digest}")


def _signer(trusted: Roots, signature: Evidence) -> PublicKey:
    """The key that a signature is by. Raises DeniedByPolicy."""
    found = trusted.requirement.sigstore
    assert found is not None
    if found.fulcio is None and found.pki is None:
        key = keys.verify(trusted.keys, signature.signature, signature.message)
        if trusted.logs:
            _logged(trusted.logs, signature, keys.der(key))
        return key
    if not signature.certificate:
        raise DeniedByPolicy("it has no certificate")
    if found.pki is not None:
        return certificates.by_pki(
            signature.certificate,
            signature.chain,
            found.pki,
            trusted.authorities,
            trusted.between,
        )
    assert found.fulcio is not None
    time = _logged(trusted.logs, signature, signature.certificate)
    if not time:
        raise DeniedByPolicy(
            "no log promised (SET) when it was made, so its certificate may have been out of date"
        )
    return certificates.by_fulcio(
        signature.certificate, signature.chain, found.fulcio, trusted.authorities, time
    )


def _logged(logs: Sequence[PublicKey], signature: Evidence, signer: bytes) -> int:
    """When a log took up a signature, 0 for unknown. Raises DeniedByPolicy for none that did."""
    if not signature.entries:
        raise DeniedByPolicy("it is in no transparency log")
    times = []
    for entry in signature.entries:
        rekor.check_is_of(entry, signature, signer)
        times.append(rekor.check(entry, tuple(logs)))
    return next((time for time in times if time), 0)
