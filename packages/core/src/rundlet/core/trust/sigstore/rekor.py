"""Entries of Rekor, sigstore's transparency log: that the log has promised or proved to hold an
entry, and that the entry is of a signature.

Promises (SET, signed entry timestamps) are the log's signature of the entry in RFC 8785's form.
The kinds of entries are hashedrekord 0.0.1, dsse 0.0.1 and intoto 0.0.2 of Rekor v1, hashedrekord
0.0.2 of Rekor v2, which has it of envelopes too, and dsse 0.0.2 of its first releases
(github.com/sigstore/rekor, rekor-tiles).
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ...errors import Corrupt, DeniedByPolicy
from ...value import Value
from . import keys, log
from .reading import binary, decoded, document, field, number

if TYPE_CHECKING:
    from .evidence import Evidence
    from .keys import PublicKey

_WHAT = "log entry"


class Entry(Value):
    """An entry of a log. time: seconds since 1970, 0 for none. log_id: hex.

    promise: the log's signature of all this, b"" for none; only that makes `time` count.
    """

    body: bytes
    time: int = 0
    index: int = 0
    log_id: str = ""
    promise: bytes = b""
    proof: log.Proof | None = None


def from_annotation(text: str) -> Entry:
    """The entry of cosign's annotation `dev.sigstore.cosign/bundle`. Raises Corrupt."""
    what = "Rekor bundle"
    root = document(text, what)
    return Entry(
        body=binary(root, "Payload.body", what),
        time=number(root, "Payload.integratedTime", what),
        index=number(root, "Payload.logIndex", what),
        log_id=field(root, "Payload.logID", str, what),
        promise=binary(root, "SignedEntryTimestamp", what),
    )


def annotation(entry: Entry) -> str:
    """The annotation of an entry."""
    return json.dumps(
        {"SignedEntryTimestamp": _encoded(entry.promise), "Payload": _payload(entry)},
        separators=(",", ":"),
    )


def check(entry: Entry, logs: tuple[PublicKey, ...]) -> int:
    """The time of an entry that a log holds, 0 where nobody vouches for it.

    Raises DeniedByPolicy unless one of the logs promised or proved to hold it; nothing that the
    entry brings may be wrong.
    """
    if not entry.promise and entry.proof is None:
        raise DeniedByPolicy("its log entry has neither a promise nor an inclusion proof")
    if entry.promise:
        text = json.dumps(_payload(entry), separators=(",", ":"), sort_keys=True).encode()
        if not any(keys.verified(key, entry.promise, text) for key in logs):
            raise DeniedByPolicy("its log entry was not promised (SET) by a known log")
    if entry.proof is not None:
        log.check(entry.proof, entry.body, logs)
    return entry.time if entry.promise else 0


def _payload(entry: Entry) -> dict[str, Any]:
    return {
        "body": _encoded(entry.body),
        "integratedTime": entry.time,
        "logIndex": entry.index,
        "logID": entry.log_id,
    }


def _encoded(data: bytes) -> str:
    import base64

    return base64.b64encode(data).decode()


def check_is_of(entry: Entry, evidence: Evidence, signer: bytes) -> None:
    """Raise DeniedByPolicy unless the entry is of this signature.

    signer: the DER of the certificate that it was made with, or of the public key.
    """
    root = document(entry.body, _WHAT)
    kind = field(root, "kind", str, _WHAT), field(root, "apiVersion", str, _WHAT)
    reader = _KINDS.get(kind)
    if reader is None:
        raise DeniedByPolicy(f"its log entry is of kind {kind[0]!r} {kind[1]!r}, not a signature")
    kept = reader(field(root, "spec", dict, _WHAT))
    content = evidence.message
    if kept.payload:
        if not evidence.envelope:
            raise DeniedByPolicy("its log entry is of a signature of another kind")
        content = evidence.payload
    if kept.digest != hashlib.sha256(content).digest():
        raise DeniedByPolicy("its log entry is of another content")
    if (evidence.signature, signer) not in kept.signatures:
        raise DeniedByPolicy("its log entry is of another signature or another key")


class _Kept(Value):
    """What an entry says: the SHA-256 of what was signed, or of the payload of an envelope, and
    signatures with the DER of who made them.
    """

    payload: bool
    digest: bytes
    signatures: tuple[tuple[bytes, bytes], ...]


def _hashedrekord(spec: dict[str, Any]) -> _Kept:
    signature = binary(spec, "signature.content", _WHAT)
    signer = _der(binary(spec, "signature.publicKey.content", _WHAT))
    return _Kept(False, _hash(spec, "data.hash"), ((signature, signer),))


def _dsse(spec: dict[str, Any]) -> _Kept:
    signatures = tuple(
        (binary(one, "signature", _WHAT), _der(binary(one, "verifier", _WHAT)))
        for one in field(spec, "signatures", list, _WHAT)
    )
    return _Kept(True, _hash(spec, "payloadHash"), signatures)


def _intoto(spec: dict[str, Any]) -> _Kept:
    signatures = tuple(
        # Its signatures are base64 of base64.
        (
            decoded(binary(one, "sig", _WHAT).decode("ascii", "replace"), f"{_WHAT}: sig"),
            _der(binary(one, "publicKey", _WHAT)),
        )
        for one in field(spec, "content.envelope.signatures", list, _WHAT)
    )
    return _Kept(True, _hash(spec, "content.payloadHash"), signatures)


def _hashedrekord2(spec: dict[str, Any]) -> _Kept:
    spec = field(spec, "hashedRekordV002", dict, _WHAT)
    return _Kept(False, _hash2(spec, "data"), (_signature2(field(spec, "signature", dict, _WHAT)),))


def _dsse2(spec: dict[str, Any]) -> _Kept:
    spec = field(spec, "dsseV002", dict, _WHAT)
    signatures = tuple(map(_signature2, field(spec, "signatures", list, _WHAT)))
    return _Kept(True, _hash2(spec, "payloadHash"), signatures)


_KINDS = {
    ("hashedrekord", "0.0.1"): _hashedrekord,
    ("dsse", "0.0.1"): _dsse,
    ("intoto", "0.0.2"): _intoto,
    ("hashedrekord", "0.0.2"): _hashedrekord2,
    ("dsse", "0.0.2"): _dsse2,
}


def _hash(spec: dict[str, Any], path: str) -> bytes:
    found = field(spec, path, dict, _WHAT)
    if field(found, "algorithm", str, _WHAT) != "sha256":
        raise DeniedByPolicy("its log entry has no SHA-256 of the content")
    try:
        return bytes.fromhex(field(found, "value", str, _WHAT))
    except ValueError:
        raise Corrupt(f"{_WHAT}: {path} is no hash") from None


def _hash2(spec: dict[str, Any], path: str) -> bytes:
    found = field(spec, path, dict, _WHAT)
    if field(found, "algorithm", str, _WHAT) != "SHA2_256":
        raise DeniedByPolicy("its log entry has no SHA-256 of the content")
    return binary(found, "digest", _WHAT)


def _signature2(one: dict[str, Any]) -> tuple[bytes, bytes]:
    verifier = field(one, "verifier", dict, _WHAT)
    kind = "x509Certificate" if "x509Certificate" in verifier else "publicKey"
    return binary(one, "content", _WHAT), binary(verifier, f"{kind}.rawBytes", _WHAT)


def _der(pem: bytes) -> bytes:
    """What is in a PEM text of one block: a certificate or a public key."""
    text = pem.decode("ascii", "replace").strip()
    head, _, rest = text.partition("\n")
    body, _, _ = rest.partition("-----END ")
    if not head.startswith("-----BEGIN "):
        raise Corrupt(f"{_WHAT}: its key is not in PEM")
    return decoded("".join(body.split()), f"{_WHAT}: its key")
