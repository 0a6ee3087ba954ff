"""Signing images: who signs, and as what; made from the `--sign-` flags of the tools.

A `Signing` goes with a copy (`CopyOptions.signing`, `Images.push`) or to an image of the store
(`Images.sign`, whose signatures go along when it is pushed).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from ..errors import InvalidArgument, UsageError
from ..images import reference as references
from ..value import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[[str], str]
    """Asks somebody for a passphrase: the words to ask with."""


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
    sigstore: str = "",
    sigstore_key: str = "",
    sequoia: str = "",
    passphrase_file: str = "",
    identity: str = "",
    ask: Ask,
) -> Signing | None:
    """What the `--sign-` flags say; None for none of them.

    gpg: --sign-by. sigstore: a file of parameters. sigstore_key: one of a private key. sequoia:
    a fingerprint. ask: how to ask for the passphrase of a key.
    Raises UsageError, InvalidArgument, NotFound, NotSupported.
    """
    _check(gpg, sigstore, sigstore_key, sequoia, passphrase_file)
    passphrase = first_line(passphrase_file) if passphrase_file else None
    signers: list[Signer] = []
    if gpg:
        signers.append(GpgSigner(gpg, passphrase))
    if sequoia:
        from .sequoia import SequoiaSigner

        signers.append(SequoiaSigner(sequoia, passphrase))
    if sigstore or sigstore_key:
        from .sigstore import parameters
        from .sigstore.sign import SigstoreSigner

        if sigstore:
            signers.append(parameters.signer(sigstore, passphrase, ask))
        if sigstore_key:
            key = parameters.private_key(sigstore_key, passphrase, ask)
            signers.append(SigstoreSigner(key))
    if identity and not signers:
        raise UsageError("--sign-identity needs a key to sign with", remedy="Give --sign-by.")
    return Signing(tuple(signers), identity) if signers else None


def _check(gpg: str, sigstore: str, sigstore_key: str, sequoia: str, passphrase_file: str) -> None:
    """Raise UsageError for flags that contradict each other (skopeo's words)."""
    if gpg and sequoia:
        raise UsageError("Only one of --sign-by and --sign-by-sq-fingerprint can be used")
    if sigstore and sigstore_key:
        raise UsageError("Only one of --sign-by-sigstore and --sign-by-sigstore-private-key"
                         " can be used")  # fmt: skip
    if passphrase_file and (gpg or sequoia) and (sigstore or sigstore_key):
        raise UsageError(
            "Only one of --sign-by and --sign-by-sigstore-private-key can be used with"
            " --sign-passphrase-file"
        )


def first_line(path: str) -> str:
    """The passphrase in a file. Raises NotFound."""
    from ..transports.files import failing

    with failing(path, "reading the passphrase in"), open(path, "rb") as file:
        return file.readline(1 << 16).decode(errors="surrogateescape").rstrip("\n")
