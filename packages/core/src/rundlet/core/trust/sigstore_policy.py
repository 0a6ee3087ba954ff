"""The requirement `sigstoreSigned` of a policy: whose signatures are wanted, and what proves them
(containers-policy.json(5)).
"""

from __future__ import annotations

from ..value import Value
from .policy_fields import Source, obj, source, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KEYS = ("keyPath", "keyPaths", "keyData", "keyDatas")
_LOGS = ("rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas")


class Fulcio(Value):
    """Certificates that Fulcio issued to one who showed who they are.

    roots: its certificates. issuer: who identified them. email, build_signer: who they are, a user
    or the URI of a workflow; one of both may be "".
    """

    roots: Source
    issuer: str
    email: str = ""
    build_signer: str = ""


class Pki(Value):
    """Certificates of authorities of one's own: roots, and what may be between them and signers.

    email, hostname: the signer's, as far as given.
    """

    roots: Source
    between: Source = Source()
    email: str = ""
    hostname: str = ""


class SigstoreTrust(Value):
    """One of keys, fulcio and pki. logs: public keys of Rekor, where it must have an entry."""

    keys: Source = Source()
    logs: Source = Source()
    fulcio: Fulcio | None = None
    pki: Pki | None = None


FIELDS = (*_KEYS, *_LOGS, "fulcio", "pki", "signedIdentity")
"""What the requirement may have beside its type."""


def trust(found: dict[str, Any], where: str) -> SigstoreTrust:
    """What a requirement says. Raises ValueError naming the field."""
    kinds = [name for name in (*_KEYS, "fulcio", "pki") if name in found]
    if len(kinds) != 1:
        raise ValueError(f"{where}: exactly one of {', '.join(_KEYS)}, fulcio and pki is needed")
    logs = source(found, where, *_LOGS, needed=False)
    if "fulcio" in found:
        if not logs:
            raise ValueError(f"{where}: fulcio needs one of {', '.join(_LOGS)}")
        return SigstoreTrust(logs=logs, fulcio=_fulcio(found["fulcio"], f"{where}.fulcio"))
    if "pki" in found:
        if logs:
            raise ValueError(f"{where}: pki goes with none of {', '.join(_LOGS)}")
        return SigstoreTrust(pki=_pki(found["pki"], f"{where}.pki"))
    return SigstoreTrust(source(found, where, *_KEYS), logs)


def _fulcio(value: Any, where: str) -> Fulcio:
    signer = ("subjectEmail", "buildSignerURI")
    found = obj(value, where, ("oidcIssuer",), ("caPath", "caData", *signer))
    if not any(name in found for name in signer):
        raise ValueError(f"{where}: one of {' and '.join(signer)} is needed")
    return Fulcio(
        source(found, where, "caPath", "caData"),
        text(found, where, "oidcIssuer"),
        *(text(found, where, name) if name in found else "" for name in signer),
    )


def _pki(value: Any, where: str) -> Pki:
    between = ("caIntermediatesPath", "caIntermediatesData")
    subject = ("subjectEmail", "subjectHostname")
    found = obj(value, where, (), ("caRootsPath", "caRootsData", *between, *subject))
    if not any(name in found for name in subject):
        raise ValueError(f"{where}: one of subjectEmail and subjectHostname is needed")
    return Pki(
        source(found, where, "caRootsPath", "caRootsData"),
        source(found, where, *between, needed=False),
        text(found, where, "subjectEmail") if "subjectEmail" in found else "",
        text(found, where, "subjectHostname") if "subjectHostname" in found else "",
    )
