"""Simple signing: what a signature says of an image (containers-signature(5)).

The text is JSON within an OpenPGP message. It is read strictly, for it comes from outside:
what is said twice, or is unknown where it matters, makes a signature void.
"""

from __future__ import annotations

import json
import time

from .. import __version__
from ..errors import Corrupt, InvalidArgument
from ..images import reference as references
from ..images.descriptor import digest_parts
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TYPE = "atomic container signature"
LARGEST = 4 << 20
"""Bytes of a signature that are read at most."""


class Claim(Value):
    """What a signer says: the manifest with this digest is the image of that name.

    identity: a docker reference as it was written. timestamp: seconds since 1970, or None.
    """

    digest: str
    identity: str
    creator: str = ""
    timestamp: int | None = None


def payload(digest: str, identity: str, kind: str = TYPE) -> bytes:
    """The text to be signed, of a kind. Raises InvalidArgument for what is no digest or no name."""
    digest_parts(digest)
    references.parse(identity)
    document = {
        "critical": {
            "identity": {"docker-reference": identity},
            "image": {"docker-manifest-digest": digest},
            "type": kind,
        },
        "optional": {"creator": f"rundlet {__version__}", "timestamp": int(time.time())},
    }
    return json.dumps(document, separators=(",", ":")).encode()


def read(data: bytes) -> Claim:
    """What a signed text says. Raises Corrupt for any that is not exactly one of these."""
    try:
        root = json.loads(data, object_pairs_hook=_once)
        critical, optional = _only(root, "critical", "optional")
        kind, image, identity = _only(critical, "type", "image", "identity")
        (digest,) = _only(image, "docker-manifest-digest")
        (name,) = _only(identity, "docker-reference")
        if kind != TYPE or not isinstance(optional, dict):
            raise Corrupt(f"it is of type {kind!r}")
        digest_parts(digest)
        references.parse(name)
        return Claim(digest, name, *_said(optional))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Corrupt(f"signature: its text is not what it should be: {error}") from None
    except (Corrupt, InvalidArgument) as error:
        raise Corrupt(f"signature: {error}") from None


def same_name(one: str, other: str) -> bool:
    """Whether two docker references mean the same, one of them written short perhaps."""
    return references.parse(one) == references.parse(other)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _only(value: dict[str, Any], *keys: str) -> tuple[Any, ...]:
    """The values of exactly these keys."""
    if set(value) != set(keys):
        raise ValueError(f"expected {', '.join(keys)}, not {', '.join(sorted(value)) or 'nothing'}")
    return tuple(value[key] for key in keys)


def _said(optional: dict[str, Any]) -> tuple[str, int | None]:
    creator, timestamp = optional.get("creator", ""), optional.get("timestamp")
    if not isinstance(creator, str):
        raise TypeError("creator is no text")
    if timestamp is not None and (isinstance(timestamp, bool) or timestamp != int(timestamp)):
        raise TypeError("timestamp is no whole number")
    return creator, None if timestamp is None else int(timestamp)
