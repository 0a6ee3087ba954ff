"""Docker's manifests of schema 1, made of a config and its layers (`--format v2s1`).

A manifest of schema 1 has no config: each entry of the history carries its own, as JSON text,
and the newest that of the image. Steps that changed no file name an empty layer. Registries take
none without a signature, whoever made it: so it is signed with a key that nobody keeps
(distribution's manifest-v2-1.md; containers/image does the same).
"""

from __future__ import annotations

import base64
import hashlib
import json
import time

from ..errors import Corrupt
from . import reference as references
from .descriptor import Descriptor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

EMPTY = bytes.fromhex("1f8b080000096e8800ff621805a360148c5800080000ffff2eafb5ef00040000")
"""An empty tar, by gzip: the bytes that every registry knows as the empty layer."""
EMPTY_LAYER = Descriptor(
    "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4", len(EMPTY)
)
_TAIL = b"}"
_OF_IMAGE = ("rootfs", "history")


def manifest(config: bytes, layers: Sequence[Descriptor], name: str) -> bytes:
    """The signed manifest of an image: its config, and its layers, lowest first.

    name: "host/repository:tag" that it will have, or "". Raises Corrupt when config and layers
    do not fit.
    """
    document = json.loads(config)
    steps = _steps(document, layers)
    entries: list[dict[str, Any]] = []
    for number, (step, layer) in enumerate(steps):
        parent = entries[-1]["id"] if entries else ""
        newest = number == len(steps) - 1
        own = _of_image(document) if newest else _of_step(step)
        if step.get("empty_layer"):
            own["throwaway"] = True
        if parent:
            own["parent"] = parent
        own["id"] = _id(layer, parent, config if newest else b"")
        entries.append(own)
    named = references.parse(name) if name else None
    payload = {
        "name": named.path if named else "",
        "tag": named.tag if named else "",
        "architecture": str(document.get("architecture") or ""),
        "fsLayers": [{"blobSum": layer} for _, layer in reversed(steps)],
        "history": [{"v1Compatibility": _compact(entry)} for entry in reversed(entries)],
        "schemaVersion": 1,
    }
    return _signed(_compact(payload).encode())


def _steps(
    document: Mapping[str, Any], layers: Sequence[Descriptor]
) -> list[tuple[Mapping[str, Any], str]]:
    """Each entry of the history with the digest of its layer, oldest first."""
    history = document.get("history") or [{} for _ in layers]
    full = [step for step in history if not step.get("empty_layer")]
    if len(full) != len(layers) or not history:
        raise Corrupt(f"the image has {len(layers)} layers, its history {len(full)}")
    rest = iter(layers)
    return [
        (step, EMPTY_LAYER.digest if step.get("empty_layer") else next(rest).digest)
        for step in history
    ]


def _of_step(step: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "created": step.get("created") or "1970-01-01T00:00:00Z",
        "container_config": {"Cmd": [str(step.get("created_by") or "")]},
    }
    return found | {key: step[key] for key in ("author", "comment") if step.get(key)}


def _of_image(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in _OF_IMAGE}


def _id(layer: str, parent: str, config: bytes) -> str:
    """Of the same content the same one: 64 hex digits."""
    return hashlib.sha256(b"\0".join((layer.encode(), parent.encode(), config))).hexdigest()


# --- the signature (JWS, as libtrust writes it)


def _signed(payload: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    key = ec.generate_private_key(ec.SECP256R1())
    head = payload.removesuffix(_TAIL)
    protected = _base64(
        _compact(
            {
                "formatLength": len(head),
                "formatTail": _base64(_TAIL),
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            }
        ).encode()
    )
    text = f"{protected}.{_base64(payload)}".encode()
    numbers = decode_dss_signature(key.sign(text, ec.ECDSA(SHA256())))
    signature = {
        "header": {"jwk": _jwk(key.public_key()), "alg": "ES256"},
        "signature": _base64(b"".join(number.to_bytes(32, "big") for number in numbers)),
        "protected": protected,
    }
    return head + f',"signatures":[{_compact(signature)}]'.encode() + _TAIL


def _jwk(key: Any) -> dict[str, str]:
    """A public key of P-256 (RFC 7517), with the fingerprint that libtrust gives it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    numbers = key.public_numbers()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fingerprint = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    return {
        "crv": "P-256",
        "kid": ":".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4)),
        "kty": "EC",
        "x": _base64(numbers.x.to_bytes(32, "big")),
        "y": _base64(numbers.y.to_bytes(32, "big")),
    }


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
