"""Layers encrypted and decrypted while they pass, as ocicrypt does it.

The bytes go through AES-256 in counter mode; an HMAC-SHA256 of what comes out, under the same
key, says whether they were changed. (github.com/containers/ocicrypt, docs and spec/;
AES_256_CTR_HMAC_SHA256 is its only block cipher.)
"""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ..errors import Corrupt
from ..value import Value
from .compress import PIECE, Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..streams import ReadableFile

CIPHER = "AES_256_CTR_HMAC_SHA256"


class Secret(Value):
    """What opens a layer. key: 32 bytes. nonce: 16. mac: of the encrypted bytes."""

    key: bytes
    nonce: bytes
    mac: bytes


class Sealing(Stream):
    """A readable stream of the encrypted content of another.

    secret: known once it was read to its end, and `digest`, of what was encrypted.
    """

    def __init__(self, stream: ReadableFile) -> None:
        super().__init__(stream)
        self._key, self._nonce = os.urandom(32), os.urandom(16)
        self._cipher = Cipher(algorithms.AES256(self._key), modes.CTR(self._nonce)).encryptor()
        self._mac = hmac.new(self._key, digestmod="sha256")
        self._plain = hashlib.sha256()

    @property
    def secret(self) -> Secret:
        return Secret(self._key, self._nonce, self._mac.digest())

    @property
    def digest(self) -> str:
        return f"sha256:{self._plain.hexdigest()}"

    def _next(self, most: int) -> bytes:
        piece = self._source.read(most)
        self._plain.update(piece)
        sealed = self._cipher.update(piece)
        self._mac.update(sealed)
        return sealed


class Opening(Stream):
    """A readable stream of what was encrypted.

    Its last bytes are given out only when all were as they should be. Raises Corrupt.
    """

    def __init__(self, stream: ReadableFile, secret: Secret, what: str) -> None:
        super().__init__(stream)
        self._cipher = Cipher(algorithms.AES256(secret.key), modes.CTR(secret.nonce)).decryptor()
        self._mac = hmac.new(secret.key, digestmod="sha256")
        self._wanted = secret.mac
        self._what = what
        self._ready = b""
        self._ahead = self._taken()
        if not self._ahead:
            self._check()

    def _next(self, most: int) -> bytes:
        if not self._ready and self._ahead:
            self._ready, self._ahead = self._ahead, self._taken()
            if not self._ahead:
                self._check()
        piece, self._ready = self._ready[:most], self._ready[most:]
        return piece

    def _taken(self) -> bytes:
        piece = self._source.read(PIECE)
        self._mac.update(piece)
        return self._cipher.update(piece)

    def _check(self) -> None:
        if not hmac.compare_digest(self._mac.digest(), self._wanted):
            self._ready = b""
            raise Corrupt(f"{self._what}: its encrypted bytes were changed (HMAC does not match)")
