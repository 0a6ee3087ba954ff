"""Signing images: who signs, and as what; made from the `--sign-` flags of the tools.

A `Signing` goes with a copy (`CopyOptions.signing`, `Images.push`) or to an image of the store
(`Images.sign`, whose signatures go along when it is pushed).
"""

from __future__ import annotations

from abc import abstractmethod

from ..errors import InvalidArgument, UsageError
from ..images import reference as references
from ..value import Value


class Signer(Value):
    """One who signs."""

    @abstractmethod
    def sign(self, digest: str, identity: str) -> bytes:
        """A signature, as it is stored (`trust.stored`), of a manifest by its digest.

        identity: the docker reference that the image is signed as. Raises InvalidArgument,
        RegistryError where a service is asked.
        """


class GpgSigner(Signer):
    """Simple signing by gpg: key is a fingerprint or a name that the user's gpg knows."""

    key: str
    passphrase: str | None = None

    def sign(self, digest: str, identity: str) -> bytes:
        from . import gpg, simple

        return gpg.sign(simple.payload(digest, identity), self.key, passphrase=self.passphrase)


class Signing(Value):
    """Who signs, and as what. identity: a docker reference, "" for where the image goes."""

    signers: tuple[Signer, ...]
    identity: str = ""

    def made(self, digest: str, place: str, name: str) -> tuple[bytes, ...]:
        """A signature by each signer. name: of the image at its place, where it has one.

        Raises InvalidArgument where there is no name to sign it as, and as `Signer.sign`.
        """
        if not (self.identity or name):
            raise InvalidArgument(
                f"Cannot determine canonical Docker reference for destination {place}",
                remedy="Give --sign-identity.",
            )
        named = references.parse(self.identity or name)
        if not (named.tag or named.digest):
            raise InvalidArgument(
                f"cannot sign as {self.identity or name}: it has neither tag nor digest"
            )
        return tuple(signer.sign(digest, str(named)) for signer in self.signers)


def from_flags(
    *,
    gpg: str = "",
    passphrase_file: str = "",
    identity: str = "",
) -> Signing | None:
    """What the `--sign-` flags say; None for none of them.

    gpg: --sign-by. Raises UsageError, InvalidArgument, NotFound.
    """
    passphrase = _first_line(passphrase_file) if passphrase_file else None
    signers: list[Signer] = []
    if gpg:
        signers.append(GpgSigner(gpg, passphrase))
    if identity and not signers:
        raise UsageError("--sign-identity needs a key to sign with", remedy="Give --sign-by.")
    return Signing(tuple(signers), identity) if signers else None


def _first_line(path: str) -> str:
    from ..transports.files import failing

    with failing(path, "reading the passphrase in"), open(path, "rb") as file:
        return file.readline(1 << 16).decode(errors="surrogateescape").rstrip("\n")
