"""Keys: public ones to check with, private ones as cosign keeps them (encrypted PEM).

Signatures are ECDSA or RSA (PKCS#1 v1.5) over SHA-256, or Ed25519, as containers/image and
cosign take them; those of larger curves may be over the hash of that size. A private key is a
JSON document in PEM: PKCS#8, sealed by NaCl's secretbox with a key that scrypt makes of the
passphrase (sigstore's `pkg/signature/encrypted`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from ...errors import Corrupt, DeniedByPolicy, InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Mapping

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

_LABELS = ("ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY")
_SCRYPT = {"N": 65536, "r": 8, "p": 1}
_MOST_MEMORY = 256 << 20
"""Bytes that scrypt may take: a key file may ask for any number."""
_SMALLEST_RSA = 2048
_OF_CURVES: dict[str, hashes.HashAlgorithm] = {
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
"""What newer tools hash with, for keys of these curves."""


def public(data: bytes, what: str) -> PublicKey:
    """A public key in PEM. Raises InvalidArgument for any other thing, and for weak keys."""
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidArgument(f"{what}: not a public key in PEM: {error}") from None
    return checked(key, what)


def checked(key: object, what: str) -> PublicKey:
    """The key, if it is of a kind and strength that is accepted. Raises InvalidArgument."""
    if not isinstance(key, PublicKey):
        raise InvalidArgument(f"{what}: keys of type {type(key).__name__} are not supported")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _SMALLEST_RSA:
        raise InvalidArgument(f"{what}: an RSA key of {key.key_size} bits is too short")
    return key


def der(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo: what tells whether two keys are the same."""
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def pem(key: PublicKey) -> bytes:
    """The key as files and logs have it."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def verified(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether this is the key's signature of the message."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return any(
            _verified(key, signature, message, algorithm)
            for algorithm in (hashes.SHA256(), _OF_CURVES.get(key.curve.name))
            if algorithm is not None
        )
    return _verified(key, signature, message, hashes.SHA256())


def _verified(
    key: PublicKey, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm
) -> bool:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), algorithm)
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def verify(keys: tuple[PublicKey, ...], signature: bytes, message: bytes) -> PublicKey:
    """Which of the keys signed the message. Raises DeniedByPolicy for none of them."""
    for key in keys:
        if verified(key, signature, message):
            return key
    raise DeniedByPolicy("it is not a signature by a known key")


def sign(key: PrivateKey, message: bytes) -> bytes:
    """A signature of the message."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashes.SHA256()))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(message)


def generate() -> ec.EllipticCurvePrivateKey:
    """A new key, of the kind that cosign makes."""
    return ec.generate_private_key(ec.SECP256R1())


def encrypted(key: PrivateKey, passphrase: bytes) -> bytes:
    """A private key as a file keeps it."""
    from nacl.secret import SecretBox

    plain = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    salt, nonce = os.urandom(32), os.urandom(SecretBox.NONCE_SIZE)
    sealed = SecretBox(_derived(passphrase, salt, _SCRYPT)).encrypt(plain, nonce).ciphertext
    document = {
        "kdf": {"name": "scrypt", "params": _SCRYPT, "salt": _encoded(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": _encoded(nonce)},
        "ciphertext": _encoded(sealed),
    }
    body = base64.encodebytes(json.dumps(document, separators=(",", ":")).encode())
    text = "".join(body.decode().split())
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {_LABELS[0]}-----", *lines, f"-----END {_LABELS[0]}-----", ""]
                     ).encode()  # fmt: skip


def private(data: bytes, passphrase: bytes, what: str) -> PrivateKey:
    """A private key from a file's content.

    Raises InvalidArgument for a wrong passphrase, and for what is no such key.
    """
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

    try:
        document = json.loads(_body(data, what))
        kdf, cipher = document["kdf"], document["cipher"]
        if kdf["name"] != "scrypt" or cipher["name"] != "nacl/secretbox":
            raise ValueError("sealed in another way than by scrypt and nacl/secretbox")
        secret = _derived(passphrase, _decoded(kdf["salt"]), kdf["params"])
        sealed, nonce = _decoded(document["ciphertext"]), _decoded(cipher["nonce"])
        plain = SecretBox(secret).decrypt(sealed, nonce)
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise InvalidArgument(f"{what}: not a sigstore private key: {error}") from None
    except CryptoError:
        raise InvalidArgument(f"{what}: the passphrase is wrong") from None
    try:
        key = serialization.load_der_private_key(plain, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Corrupt(f"{what}: what is sealed in it is no private key: {error}") from None
    if not isinstance(key, PrivateKey):
        raise InvalidArgument(f"{what}: keys of type {type(key).__name__} are not supported")
    return key


def _body(data: bytes, what: str) -> bytes:
    """What is between the lines of a PEM file."""
    text = data.decode("ascii", "replace")
    for label in _LABELS:
        _, begin, rest = text.partition(f"-----BEGIN {label}-----")
        body, end, _ = rest.partition(f"-----END {label}-----")
        if begin and end:
            return base64.b64decode("".join(body.split()), validate=True)
    kind = text.partition("-----BEGIN ")[2].partition("-----")[0] or "nothing"
    raise InvalidArgument(
        f"{what}: expected an {_LABELS[0]}, found {kind[:60]}",
        remedy="`rundlet-skopeo generate-sigstore-key` makes one.",
    )


def _derived(passphrase: bytes, salt: bytes, params: Mapping[str, Any]) -> bytes:
    cost, block, lanes = (int(params[name]) for name in ("N", "r", "p"))
    if not (cost > 1 and block > 0 and lanes > 0 and 128 * cost * block * lanes <= _MOST_MEMORY):
        raise ValueError(f"scrypt with N={cost}, r={block}, p={lanes} is refused")
    return hashlib.scrypt(
        passphrase, salt=salt, n=cost, r=block, p=lanes, maxmem=2 * _MOST_MEMORY, dklen=32
    )


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
