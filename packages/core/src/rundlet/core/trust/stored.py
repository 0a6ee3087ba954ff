"""Signatures in the form in which transports keep them: bytes that say what they are.

A simple signature is its OpenPGP message. One of sigstore is a zero byte, the word
`sigstore-json`, a line feed, and JSON with its media type, payload and annotations
(containers/image's `dir:` transport and store have the same). A bundle that was attached by a
referrer is kept so too, with its own media type.
"""

from __future__ import annotations

import base64
import json

from ..errors import Corrupt
from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_TAGGED = b"\0sigstore-json\n"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
"""Media type of a payload that cosign signs and attaches by tag."""
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
"""Media type of a bundle that refers to an image."""


class Sigstore(Value):
    """A sigstore signature. annotations: of the layer or manifest that it was."""

    media_type: str
    payload: bytes
    annotations: Mapping[str, str] = EMPTY

    def packed(self) -> bytes:
        """As transports keep it."""
        document = {
            "mimeType": self.media_type,
            "payload": base64.b64encode(self.payload).decode(),
            "annotations": dict(self.annotations),
        }
        return _TAGGED + json.dumps(document, separators=(",", ":")).encode()


def is_simple(data: bytes) -> bool:
    """Whether a stored signature is a simple one: binary OpenPGP has the highest bit set."""
    return data[:1] != b"\0"


def unpacked(data: bytes) -> Sigstore:
    """A stored signature that is not a simple one. Raises Corrupt."""
    if not data.startswith(_TAGGED):
        raise Corrupt("signature: of an unknown form")
    try:
        document = json.loads(data[len(_TAGGED) :])
        kind, annotations = document["mimeType"], document.get("annotations") or {}
        if not isinstance(kind, str) or not _is_text(annotations):
            raise TypeError("its fields are not text")
        return Sigstore(kind, base64.b64decode(document["payload"], validate=True), annotations)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Corrupt(f"signature: not what it should be: {error}") from None


def _is_text(annotations: object) -> bool:
    return isinstance(annotations, dict) and all(
        isinstance(value, str) for value in annotations.values()
    )
