"""Encrypted layers: which they are, whose keys open them, and what their descriptors say.

An encrypted layer's media type ends in `+encrypted`; annotations hold what is public of its
encryption, and its key, encrypted to each recipient (github.com/containers/ocicrypt;
containers-image's `--encryption-key` and `--decryption-key`, skopeo-copy(1)).
"""

from __future__ import annotations

import base64
import json
import os

from ..content import jwe
from ..content.sealing import CIPHER, Opening, Sealing, Secret
from ..errors import Corrupt, InvalidArgument, NotSupported
from ..value import Value
from .marks import SUFFIX, is_encrypted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..content.jwe import PrivateKey, PublicKey
    from ..streams import ReadableFile
    from .descriptor import Descriptor
    from .manifest import Manifest

_PREFIX = "org.opencontainers.image.enc."
_PUBLIC = f"{_PREFIX}pubopts"
_KEYS = f"{_PREFIX}keys."
_JWE = f"{_KEYS}jwe"
_OTHER_PROTOCOLS = ("pgp", "pkcs7", "provider", "pkcs11")


class Encryption(Value):
    """What a copy encrypts and decrypts.

    recipients: public keys that layers are encrypted to; none: nothing is. layers: their
    numbers, from 0, or from -1 for the last; none: all. keys: private keys to decrypt with.
    """

    recipients: tuple[PublicKey, ...] = ()
    layers: tuple[int, ...] = ()
    keys: tuple[PrivateKey, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.recipients or self.keys)

    def secrets(self, layers: Sequence[Descriptor]) -> dict[str, Secret]:
        """What opens the encrypted layers, by digest, where there are keys to try.

        Raises InvalidArgument for a layer that is for none of the keys.
        """
        if not self.keys:
            return {}
        return {layer.digest: self._secret(layer) for layer in layers if is_encrypted(layer)}

    def _secret(self, layer: Descriptor) -> Secret:
        for text in filter(None, layer.annotations.get(_JWE, "").split(",")):
            try:
                wrapped = base64.b64decode(text, validate=True)
            except ValueError:
                raise Corrupt(f"layer {layer.digest}: its JWE is not base64") from None
            private = jwe.decrypt(wrapped, self.keys)
            if private is not None:
                return _secret_of(layer, private)
        protocols = sorted(
            key.removeprefix(_KEYS) for key in layer.annotations if key.startswith(_KEYS)
        )
        raise InvalidArgument(
            f"layer {layer.digest} is encrypted to keys that were not given"
            f" ({', '.join(protocols) or 'none is named'})",
            remedy="Give the private key of one of its recipients: --decryption-key FILE.",
        )

    def sealed(self, manifest: Manifest) -> Manifest:
        """A manifest with the layers that shall be encrypted marked so, their digests unknown.

        Raises InvalidArgument for numbers of layers that there are not.
        """
        if not self.recipients:
            return manifest
        count = len(manifest.layers)
        for number in self.layers:
            if not -count <= number < count:
                raise InvalidArgument(
                    f"--encrypt-layer {number}: the image has {count} layers",
                    remedy="Count from 0, or from -1 for the last.",
                )
        chosen = {number % count for number in self.layers} if self.layers else set(range(count))
        return manifest.replace(
            layers=tuple(
                layer.replace(digest="", media_type=layer.media_type + SUFFIX)
                if number in chosen and not is_encrypted(layer)
                else layer
                for number, layer in enumerate(manifest.layers)
            )
        )

    def annotations(self, body: Sealing) -> dict[str, str]:
        """What the descriptor of a layer says once `body` was read to its end."""
        secret = body.secret
        public = {"cipher": CIPHER, "hmac": _text(secret.mac), "cipheroptions": {}}
        private = {
            "symkey": _text(secret.key),
            "digest": body.digest,
            "cipheroptions": {"nonce": _text(secret.nonce)},
        }
        wrapped = jwe.encrypt(json.dumps(private).encode(), self.recipients)
        return {_PUBLIC: _text(json.dumps(public).encode()), _JWE: _text(wrapped)}


def opened(manifest: Manifest, secrets: dict[str, Secret]) -> Manifest:
    """A manifest as if the layers with these digests were plain, their digests unknown.

    Counter mode keeps the size.
    """
    return manifest.replace(
        layers=tuple(
            layer.replace(
                digest="",
                media_type=layer.media_type.removesuffix(SUFFIX),
                annotations={
                    key: value
                    for key, value in layer.annotations.items()
                    if not key.startswith(_PREFIX)
                },
            )
            if layer.digest in secrets
            else layer
            for layer in manifest.layers
        )
    )


def opening(body: ReadableFile, secret: Secret, layer: Descriptor) -> ReadableFile:
    """The decrypted bytes of a layer."""
    return Opening(body, secret, f"layer {layer.digest}")


def recipient(text: str) -> PublicKey:
    """The public key of an --encryption-key: "jwe:FILE". Raises InvalidArgument, NotSupported."""
    protocol, _, path = text.partition(":")
    if protocol in _OTHER_PROTOCOLS:
        raise NotSupported(
            f"encryption key {text!r}: layers are encrypted to JWE keys only",
            remedy="Use jwe:FILE, with the public key of an RSA or EC key pair.",
        )
    if protocol != "jwe" or not path:
        raise InvalidArgument(f"encryption key {text!r} must be jwe:FILE")
    return jwe.public_key(_read(path), f"encryption key {path}")


def private(text: str) -> PrivateKey:
    """The private key of a --decryption-key: "FILE[:PASSWORD]", where the password is
    `pass=WORD`, `file=PATH`, `fd=NUMBER` or the word itself (skopeo-copy(1)).

    Raises InvalidArgument, NotSupported.
    """
    path, _, rest = text.partition(":")
    if path in _OTHER_PROTOCOLS and not os.path.exists(path):
        raise NotSupported(f"decryption key {text!r}: layers are decrypted with JWE keys only")
    if path == "jwe" and rest:
        path, _, rest = rest.partition(":")
    return jwe.private_key(_read(path), _password(rest), f"decryption key {path}")


def _password(text: str) -> bytes | None:
    if not text:
        return None
    kind, equals, value = text.partition("=")
    if not equals or kind not in ("pass", "file", "fd"):
        return text.encode()
    if kind == "pass":
        return value.encode()
    if kind == "file":
        return _read(value)
    try:
        with open(int(value), "rb", closefd=False) as stream:
            return stream.read(1 << 16)
    except (ValueError, OSError) as error:
        raise InvalidArgument(f"password of a decryption key, {text!r}: {error}") from None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(1 << 20)
    except OSError as error:
        raise InvalidArgument(f"key {path}: {error.strerror}") from None


def _secret_of(layer: Descriptor, private: bytes) -> Secret:
    try:
        document = json.loads(private)
        public = json.loads(base64.b64decode(layer.annotations.get(_PUBLIC, "")))
        if public.get("cipher") != CIPHER:
            raise NotSupported(
                f"layer {layer.digest} is encrypted with {public.get('cipher')!r}, not {CIPHER}"
            )
        secret = Secret(
            base64.b64decode(document["symkey"]),
            base64.b64decode(document["cipheroptions"]["nonce"]),
            base64.b64decode(public["hmac"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Corrupt(f"layer {layer.digest}: malformed encryption options") from None
    if len(secret.key) != 32 or len(secret.nonce) != 16:
        raise Corrupt(f"layer {layer.digest}: its key or nonce is of a wrong length")
    return secret


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
