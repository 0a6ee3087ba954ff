"""Simple signing by a key that Sequoia keeps, by its Python binding (skopeo's
`--sign-by-sq-fingerprint`). gpg checks such signatures like its own.

Keys are files in the soft key store of sq 1.x: `keystore/softkeys` in the data directory.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import InvalidArgument, NotFound, NotSupported
from .signing import Signer

if TYPE_CHECKING:
    from typing import Any


class SequoiaSigner(Signer):
    """A key by its fingerprint. passphrase: of the key, None for one without."""

    fingerprint: str
    passphrase: str | None = None

    def sign(self, digest: str, identity: str) -> bytes:
        from . import simple

        sequoia = _binding()
        key = _key(sequoia, self.fingerprint)
        try:
            signer = key.signer(self.passphrase) if self.passphrase else key.signer()
            made: bytes = sequoia.sign(signer, simple.payload(digest, identity), armor=False)
        except Exception as error:  # what the binding raises has no other type
            raise InvalidArgument(
                f"cannot sign with the key {self.fingerprint}: {error}",
                remedy="Give its passphrase: --sign-passphrase-file.",
            ) from None
        return made


def _binding() -> Any:
    try:
        return import_module("pysequoia")
    except ImportError:
        raise NotSupported(
            "signing by Sequoia needs its Python binding, which is not installed",
            remedy="pip install pysequoia, or sign with gpg: --sign-by.",
        ) from None


def directory() -> str:
    """Where Sequoia's soft keys are."""
    home = os.environ.get("SEQUOIA_HOME")
    if home:
        return os.path.join(home, "data/keystore/softkeys")
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(data, "sequoia/keystore/softkeys")


def _key(sequoia: Any, fingerprint: str) -> Any:
    """The secret key with a fingerprint. Raises NotFound."""
    wanted, place = fingerprint.replace(" ", "").lower(), directory()
    for name in sorted(os.listdir(place)) if os.path.isdir(place) else ():
        try:
            key = sequoia.Tsk.from_file(os.path.join(place, name))
        except Exception:  # no key, in words of its own: the next
            continue
        if str(key.extract_certificate().fingerprint).lower() == wanted:
            return key
    raise NotFound(f"there is no secret key {fingerprint} in {place}")
