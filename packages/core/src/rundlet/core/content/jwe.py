"""JSON Web Encryption for one or more recipients: how the keys of encrypted layers are kept.

RFC 7516 in its JSON serialisations, with the algorithms (RFC 7518) that ocicrypt uses:
RSA-OAEP and ECDH-ES+A256KW for the key, A256GCM for the content.
"""

from __future__ import annotations

import base64
import binascii
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from ..errors import Corrupt, InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
    PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_CONTENT = "A256GCM"
_TAG = 16
_NONCE = 12
_KEY = 32
_WRAPPED_BY_CURVE = "ECDH-ES+A256KW"
_OAEP: dict[str, type[hashes.SHA1 | hashes.SHA256]] = {
    "RSA-OAEP": hashes.SHA1,
    "RSA-OAEP-256": hashes.SHA256,
}
_CURVES: dict[str, type[ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}


def public_key(data: bytes, what: str) -> PublicKey:
    """An RSA or NIST curve public key: PEM or DER, or of a certificate. Raises InvalidArgument."""
    from cryptography import x509

    loaders = (
        serialization.load_pem_public_key,
        serialization.load_der_public_key,
        lambda text: x509.load_pem_x509_certificate(text).public_key(),
    )
    for load in loaders:
        try:
            key = load(data)
        except ValueError:
            continue
        if isinstance(key, rsa.RSAPublicKey):
            return key
        if isinstance(key, ec.EllipticCurvePublicKey) and _curve_name(key):
            return key
        break
    raise InvalidArgument(
        f"{what} is no public key that layers can be encrypted to",
        remedy="Use an RSA key, or one of the curves P-256, P-384 and P-521, as a PEM file.",
    )


def private_key(data: bytes, password: bytes | None, what: str) -> PrivateKey:
    """An RSA or NIST curve private key, PEM or DER. Raises InvalidArgument."""
    for load in (serialization.load_pem_private_key, serialization.load_der_private_key):
        try:
            key = load(data, password)
        except TypeError as error:  # a password is missing, or there but not needed
            raise InvalidArgument(f"{what}: {error}") from None
        except ValueError:
            continue
        if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            return key
        break
    raise InvalidArgument(
        f"{what} is no private key that layers can be decrypted with, or its password is wrong"
    )


def encrypt(plain: bytes, keys: Sequence[PublicKey]) -> bytes:
    """A JWE of `plain` that the holder of any of the keys can open."""
    key, nonce = os.urandom(_KEY), os.urandom(_NONCE)
    recipients = [_wrap(key, public) for public in keys]
    protected: dict[str, Any] = {"enc": _CONTENT}
    if len(recipients) == 1:  # flattened (RFC 7516, 7.2.2): its header is protected too
        protected.update(recipients[0].pop("header"))
    head = _encode(json.dumps(protected, separators=(",", ":")).encode())
    sealed = AESGCM(key).encrypt(nonce, plain, head.encode())
    document: dict[str, Any] = {
        "protected": head,
        "iv": _encode(nonce),
        "ciphertext": _encode(sealed[:-_TAG]),
        "tag": _encode(sealed[-_TAG:]),
    }
    if len(recipients) == 1:
        document.update(recipients[0])
    else:
        document["recipients"] = recipients
    return json.dumps(document, separators=(",", ":")).encode()


def decrypt(data: bytes, keys: Sequence[PrivateKey]) -> bytes | None:
    """The content of a JWE, or None when it is for none of the keys. Raises Corrupt."""
    try:
        document = json.loads(data)
        head = document["protected"]
        protected = json.loads(_decode(head))
        if protected.get("enc") != _CONTENT:
            raise Corrupt(f"JWE with content encryption {protected.get('enc')!r}: not {_CONTENT}")
        nonce = _decode(document["iv"])
        sealed = _decode(document["ciphertext"]) + _decode(document["tag"])
        recipients = [
            (
                {**protected, **document.get("unprotected", {}), **item.get("header", {})},
                _decode(item["encrypted_key"]),
            )
            for item in document.get("recipients") or [document]
        ]
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise Corrupt(f"malformed JWE: {error!r}") from None
    for header, wrapped in recipients:
        for private in keys:
            try:
                key = _unwrap(header, wrapped, private)
                if key is not None:
                    return AESGCM(key).decrypt(nonce, sealed, head.encode())
            except (InvalidTag, ValueError, KeyError, TypeError, keywrap.InvalidUnwrap):
                continue  # for another key, or damaged: both look the same
    return None


def _wrap(key: bytes, public: PublicKey) -> dict[str, Any]:
    if isinstance(public, rsa.RSAPublicKey):
        wrapped = public.encrypt(key, _oaep("RSA-OAEP"))
        return {"header": {"alg": "RSA-OAEP"}, "encrypted_key": _encode(wrapped)}
    passing = ec.generate_private_key(public.curve)
    shared = _derived(passing.exchange(ec.ECDH(), public), b"", b"")
    header = {"alg": _WRAPPED_BY_CURVE, "epk": _web_key(passing.public_key())}
    return {"header": header, "encrypted_key": _encode(keywrap.aes_key_wrap(shared, key))}


def _unwrap(header: Mapping[str, Any], wrapped: bytes, private: PrivateKey) -> bytes | None:
    """The content's key, or None when the key is of another kind than the header's."""
    algorithm = header["alg"]
    if isinstance(private, rsa.RSAPrivateKey):
        return private.decrypt(wrapped, _oaep(algorithm)) if algorithm in _OAEP else None
    if algorithm != _WRAPPED_BY_CURVE:
        return None
    public = _from_web_key(header["epk"])
    if public.curve.name != private.curve.name:
        return None
    apu, apv = _decode(header.get("apu", "")), _decode(header.get("apv", ""))
    shared = _derived(private.exchange(ec.ECDH(), public), apu, apv)
    return keywrap.aes_key_unwrap(shared, wrapped)


def _oaep(algorithm: str) -> padding.OAEP:
    chosen = _OAEP[algorithm]
    return padding.OAEP(mgf=padding.MGF1(chosen()), algorithm=chosen(), label=None)


def _derived(shared: bytes, apu: bytes, apv: bytes) -> bytes:
    """The key that wraps the content's key (RFC 7518, 4.6.2)."""
    parts = (_WRAPPED_BY_CURVE.encode(), apu, apv)
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    info += (_KEY * 8).to_bytes(4, "big")
    return ConcatKDFHash(hashes.SHA256(), _KEY, info).derive(shared)


def _curve_name(key: ec.EllipticCurvePublicKey) -> str:
    return next((name for name, curve in _CURVES.items() if curve.name == key.curve.name), "")


def _web_key(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """RFC 7518, 6.2.1."""
    numbers, length = key.public_numbers(), (key.key_size + 7) // 8
    x, y = numbers.x.to_bytes(length, "big"), numbers.y.to_bytes(length, "big")
    return {"kty": "EC", "crv": _curve_name(key), "x": _encode(x), "y": _encode(y)}


def _from_web_key(document: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """Raises KeyError, TypeError and ValueError; a point that is not on its curve is one."""
    x, y = (int.from_bytes(_decode(document[name]), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, _CURVES[document["crv"]]()).public_key()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
