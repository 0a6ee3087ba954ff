"""Sigstore bundles, which cosign 3 attaches as referrers (sigstore's protobuf-specs,
`sigstore_bundle.proto`, in ProtoJSON; cosign's BUNDLE_SPEC.md).

A bundle of an image holds a DSSE envelope around an in-toto statement whose subject is the
image, or a message signature of the manifest itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from ...errors import Corrupt, DeniedByPolicy
from . import evidence, log
from .evidence import Evidence
from .reading import binary, document, field, number
from .rekor import Entry

if TYPE_CHECKING:
    from typing import Any

    from ..stored import Sigstore

MEDIA_TYPES = (
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
)
STATEMENT = "application/vnd.in-toto+json"
SIGNED = "https://sigstore.dev/cosign/sign/v1"
"""The predicate of a statement that says: I sign this image. Others are attestations about it."""
_STATEMENTS = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
LARGEST = 4 << 20
_MOST_ENTRIES = 16
_MOST_SUBJECTS = 1000
_WHAT = "bundle"


def read(found: Sigstore, manifest: bytes) -> Evidence:
    """The evidence of a bundle that refers to a manifest. Raises Corrupt, DeniedByPolicy."""
    if len(found.payload) > LARGEST:
        raise Corrupt(f"a bundle of {len(found.payload)} bytes is too large")
    root = document(found.payload, _WHAT)
    kind = field(root, "mediaType", str, _WHAT)
    if kind not in MEDIA_TYPES:
        raise Corrupt(f"{_WHAT}: of type {kind!r}")
    material = field(root, "verificationMaterial", dict, _WHAT)
    certificates = _certificates(material)
    brought = {
        "certificate": certificates[0] if certificates else b"",
        "chain": certificates[1:],
        "entries": _entries(material),
    }
    forms = [name for name in ("dsseEnvelope", "messageSignature") if name in root]
    if len(forms) != 1:
        raise Corrupt(f"{_WHAT}: expected one of dsseEnvelope and messageSignature")
    if forms[0] == "dsseEnvelope":
        return _enveloped(field(root, "dsseEnvelope", dict, _WHAT), manifest, brought)
    return _message(field(root, "messageSignature", dict, _WHAT), manifest, brought)


def _enveloped(envelope: dict[str, Any], manifest: bytes, brought: dict[str, Any]) -> Evidence:
    kind = field(envelope, "payloadType", str, _WHAT)
    payload = binary(envelope, "payload", _WHAT)
    signatures = field(envelope, "signatures", list, _WHAT)
    if kind != STATEMENT:
        raise DeniedByPolicy(f"its envelope holds {kind!r}, not an in-toto statement")
    if len(signatures) != 1:
        raise Corrupt(f"{_WHAT}: expected one signature, found {len(signatures)}")
    digest, identity = _statement(payload, hashlib.sha256(manifest).hexdigest())
    return Evidence(
        message=authenticated(kind, payload),
        signature=binary(signatures[0], "sig", _WHAT),
        digest=digest,
        identity=identity,
        envelope=True,
        payload=payload,
        **brought,
    )


def authenticated(kind: str, payload: bytes) -> bytes:
    """What is signed of an envelope: DSSE's pre-authentication encoding, version 1."""
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def _statement(payload: bytes, wanted: str) -> tuple[str, str]:
    """Digest and name of the subject that is wanted, else of the first one."""
    what = "its statement"
    root = document(payload, what)
    if field(root, "_type", str, what) not in _STATEMENTS:
        raise Corrupt(f"{what} is of type {root['_type']!r}")
    predicate = field(root, "predicateType", str, what)
    if predicate != SIGNED:
        raise DeniedByPolicy(f"{what} is of {predicate!r}: no signature of the image")
    subjects = field(root, "subject", list, what)[:_MOST_SUBJECTS]
    found = [_subject(one, what) for one in subjects]
    if not found:
        raise Corrupt(f"{what} has no subject")
    chosen = next((one for one in found if one[0] == wanted), found[0])
    return evidence.checked(f"sha256:{chosen[0]}", chosen[1])


def _subject(one: Any, what: str) -> tuple[str, str]:
    digest = field(one, "digest.sha256", str, what)
    return digest, field(one, "name", str, what) if "name" in one else ""


def _message(signed: dict[str, Any], manifest: bytes, brought: dict[str, Any]) -> Evidence:
    """A signature of the manifest's bytes; it names no image."""
    digest = hashlib.sha256(manifest).digest()
    if "messageDigest" in signed:
        if field(signed, "messageDigest.algorithm", str, _WHAT) != "SHA2_256":
            raise DeniedByPolicy("its message digest is no SHA-256")
        digest = binary(signed, "messageDigest.digest", _WHAT)
    return Evidence(
        message=manifest,
        signature=binary(signed, "signature", _WHAT),
        digest=f"sha256:{digest.hex()}",
        identity="",
        **brought,
    )


def _certificates(material: dict[str, Any]) -> tuple[bytes, ...]:
    """The signer's certificate and its chain; () where only a key is hinted at."""
    if "certificate" in material:
        return (binary(material, "certificate.rawBytes", _WHAT),)
    if "x509CertificateChain" in material:
        listed = field(material, "x509CertificateChain.certificates", list, _WHAT)
        return tuple(binary(one, "rawBytes", _WHAT) for one in listed[:_MOST_ENTRIES])
    return ()


def _entries(material: dict[str, Any]) -> tuple[Entry, ...]:
    listed = material.get("tlogEntries") or []
    if not isinstance(listed, list) or len(listed) > _MOST_ENTRIES:
        raise Corrupt(f"{_WHAT}: its log entries are not what they should be")
    return tuple(map(_entry, listed))


def _entry(one: dict[str, Any]) -> Entry:
    what = "log entry"
    promise = one.get("inclusionPromise") if isinstance(one, dict) else None
    return Entry(
        body=binary(one, "canonicalizedBody", what),
        time=number(one, "integratedTime", what) if "integratedTime" in one else 0,
        index=number(one, "logIndex", what) if "logIndex" in one else 0,
        log_id=binary(one, "logId.keyId", what).hex() if "logId" in one else "",
        promise=binary(promise, "signedEntryTimestamp", what) if promise else b"",
        proof=_proof(one["inclusionProof"]) if one.get("inclusionProof") else None,
    )


def _proof(one: Any) -> log.Proof | None:
    """None for one without a checkpoint, as the first bundles had: it proves nothing."""
    what = "inclusion proof"
    if isinstance(one, dict) and not one.get("checkpoint"):
        return None
    hashes = one.get("hashes") if isinstance(one, dict) else None
    if not isinstance(hashes or [], list) or len(hashes or []) > 64:
        raise Corrupt(f"{what}: its hashes are not what they should be")
    return log.Proof(
        index=number(one, "logIndex", what) if "logIndex" in one else 0,
        size=number(one, "treeSize", what),
        root=binary(one, "rootHash", what),
        hashes=tuple(binary({"hash": text}, "hash", what) for text in hashes or []),
        checkpoint=field(one, "checkpoint.envelope", str, what),
    )


# --- writing


def statement(digest: str, identity: str) -> bytes:
    """The statement that an image is signed as this name; the name is for `signedIdentity`."""
    algorithm, _, encoded = digest.partition(":")
    return _json(
        {
            "_type": _STATEMENTS[0],
            "subject": [{"name": identity, "digest": {algorithm: encoded}}],
            "predicateType": SIGNED,
            "predicate": {},
        }
    )


def write(
    payload: bytes,
    signature: bytes,
    *,
    hint: str = "",
    certificate: bytes = b"",
    entries: tuple[Entry, ...] = (),
) -> bytes:
    """A bundle with an envelope around a statement. hint: of a key, where there is no
    certificate (DER).
    """
    signer = {"certificate": {"rawBytes": _encoded(certificate)}} if certificate else {
        "publicKey": {"hint": hint}
    }  # fmt: skip
    return _json(
        {
            "mediaType": MEDIA_TYPES[0],
            "verificationMaterial": {
                **signer,
                "tlogEntries": [_written(entry) for entry in entries],
                "timestampVerificationData": {"rfc3161Timestamps": []},
            },
            "dsseEnvelope": {
                "payload": _encoded(payload),
                "payloadType": STATEMENT,
                "signatures": [{"sig": _encoded(signature)}],
            },
        }
    )


def _written(entry: Entry) -> dict[str, Any]:
    kind = json.loads(entry.body)
    found: dict[str, Any] = {
        "logIndex": str(entry.index),
        "logId": {"keyId": _encoded(bytes.fromhex(entry.log_id))},
        "kindVersion": {"kind": kind["kind"], "version": kind["apiVersion"]},
        "integratedTime": str(entry.time),
        "inclusionPromise": {"signedEntryTimestamp": _encoded(entry.promise)},
        "canonicalizedBody": _encoded(entry.body),
    }
    if entry.proof is not None:
        found["inclusionProof"] = {
            "logIndex": str(entry.proof.index),
            "treeSize": str(entry.proof.size),
            "rootHash": _encoded(entry.proof.root),
            "hashes": [_encoded(one) for one in entry.proof.hashes],
            "checkpoint": {"envelope": entry.proof.checkpoint},
        }
    return found


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
