"""Signing as cosign does: by a key of one's own or with a certificate of Fulcio, put into Rekor
where that is asked for; to be attached by tag, or as a bundle.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from .. import simple, stored
from ..signing import Signer
from . import bundle, evidence, keys, rekor, services

if TYPE_CHECKING:
    from .keys import PrivateKey
    from .rekor import Entry


class SigstoreSigner(Signer):
    """One with a private key. key: his own, else None for one that a certificate is asked for.

    rekor: URL of a log, or "". fulcio, token: URL of an authority, and the OIDC token that shows
    it who signs. bundled: write bundles.
    """

    key: PrivateKey | None = None
    rekor: str = ""
    fulcio: str = ""
    token: str = ""
    bundled: bool = False

    def sign(self, digest: str, identity: str) -> bytes:
        key = self.key
        certificates: tuple[str, ...] = ()
        if key is None:
            key = keys.generate()
            certificates = services.certificates(self.fulcio, self.token, key)
        make = self._bundle if self.bundled else self._attachment
        return make(key, certificates, digest, identity).packed()

    def _attachment(
        self, key: PrivateKey, certificates: tuple[str, ...], digest: str, identity: str
    ) -> stored.Sigstore:
        text = simple.payload(digest, identity, evidence.COSIGN_TYPE)
        signature = keys.sign(key, text)
        said = {evidence.SIGNATURE: base64.b64encode(signature).decode()}
        if certificates:
            said[evidence.CERTIFICATE] = certificates[0]
            said[evidence.CHAIN] = "".join(certificates[1:])
        if self.rekor:
            signer = _signer(key, certificates)
            entry = services.logged(self.rekor, services.hashed(text, signature, signer))
            said[evidence.LOGGED] = rekor.annotation(entry)
        return stored.Sigstore(stored.SIMPLE_SIGNING, text, said)

    def _bundle(
        self, key: PrivateKey, certificates: tuple[str, ...], digest: str, identity: str
    ) -> stored.Sigstore:
        from .certificates import pem_blocks

        text = bundle.statement(digest, identity)
        signature = keys.sign(key, bundle.authenticated(bundle.STATEMENT, text))
        entries: tuple[Entry, ...] = ()
        if self.rekor:
            proposed = services.enveloped(text, signature, _signer(key, certificates))
            entries = (services.logged(self.rekor, proposed),)
        hint = base64.b64encode(hashlib.sha256(keys.der(key.public_key())).digest()).decode()
        leaf = pem_blocks(certificates[0])[0] if certificates else b""
        made = bundle.write(text, signature, hint=hint, certificate=leaf, entries=entries)
        return stored.Sigstore(stored.BUNDLE, made)


def _signer(key: PrivateKey, certificates: tuple[str, ...]) -> bytes:
    """PEM of what a log shall know the signer by."""
    return certificates[0].encode() if certificates else keys.pem(key.public_key())
