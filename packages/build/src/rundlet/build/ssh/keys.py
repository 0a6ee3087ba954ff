"""An agent for key files: the keys stay in this process, which signs with them.

By `cryptography`, not by ssh-agent(1): that one answers its own user only, so a step of another
user could not use it, and it would outlive a build that is killed.
"""

from __future__ import annotations

from base64 import b64decode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from rundlet.core.errors import InvalidArgument, NotFound

from . import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Key = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_CURVE_HASHES = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
"""By the size of a curve (RFC 5656, section 6.2.1)."""


class Keys:
    """An agent that has the keys of these files.

    Raises NotFound for one that cannot be read, InvalidArgument for one that is no private key
    of a kind that is known, or is protected by a passphrase.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._keys = {_public(key): (key, path) for path in paths for key in (_read(path),)}

    def answer(self, message: bytes) -> bytes:
        """Lists the keys and signs; refuses all else."""
        try:
            if message[0] == wire.REQUEST_IDENTITIES:
                return self._listed()
            if message[0] == wire.SIGN_REQUEST:
                return self._signed(message[1:])
        except ValueError:
            return wire.FAILURE
        return wire.FAILURE

    def _listed(self) -> bytes:
        found = b"".join(
            wire.string(public) + wire.string(path.encode("utf-8", "surrogateescape"))
            for public, (_, path) in self._keys.items()
        )
        return bytes([wire.IDENTITIES_ANSWER]) + len(self._keys).to_bytes(4, "big") + found

    def _signed(self, fields: bytes) -> bytes:
        public, rest = wire.take(fields)
        data, rest = wire.take(rest)
        if public not in self._keys:
            return wire.FAILURE
        signature = _signature(self._keys[public][0], data, int.from_bytes(rest[:4], "big"))
        return bytes([wire.SIGN_RESPONSE]) + wire.string(signature)


def _read(path: str) -> Key:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise NotFound(f"--ssh: key {path}: {error.strerror}") from None
    openssh = b"BEGIN OPENSSH PRIVATE KEY" in data
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    try:
        found = load(data, None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, TypeError) or "password" in str(error).lower():
            raise InvalidArgument(
                f"--ssh: key {path} is protected by a passphrase",
                remedy=f"Give it to an agent (ssh-add {path}), and the build that: --ssh default",
            ) from None
        raise InvalidArgument(f"--ssh: key {path}: no private key that can be read") from None
    if not isinstance(
        found, ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    ):
        raise InvalidArgument(
            f"--ssh: key {path}: not of a known kind", remedy="Known are Ed25519, RSA and ECDSA."
        )
    return found


def _public(key: Key) -> bytes:
    """The public key as the protocol has it (RFC 4253, section 6.6)."""
    text = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return b64decode(text.split()[1])


def _signature(key: Key, data: bytes, flags: int) -> bytes:
    """A signature with its algorithm's name (RFC 8709, RFC 8332, RFC 5656)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return wire.string(b"ssh-ed25519") + wire.string(key.sign(data))
    if isinstance(key, rsa.RSAPrivateKey):
        return _rsa(key, data, flags)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(_CURVE_HASHES[key.curve.key_size])))
    name = f"ecdsa-sha2-nistp{key.curve.key_size}".encode()
    return wire.string(name) + wire.string(wire.integer(r) + wire.integer(s))


def _rsa(key: rsa.RSAPrivateKey, data: bytes, flags: int) -> bytes:
    how: tuple[bytes, hashes.HashAlgorithm] = (b"ssh-rsa", hashes.SHA1())
    if flags & wire.RSA_SHA2_512:
        how = (b"rsa-sha2-512", hashes.SHA512())
    elif flags & wire.RSA_SHA2_256:
        how = (b"rsa-sha2-256", hashes.SHA256())
    return wire.string(how[0]) + wire.string(key.sign(data, padding.PKCS1v15(), how[1]))
