"""What signing may ask of others: an entry in Rekor, a certificate from Fulcio.

Rekor's API version 1 and Fulcio's version 2 (their openapi and proto files).
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from ...errors import Corrupt, InvalidArgument, RegistryError
from .. import web
from . import keys
from .log import Proof
from .reading import binary, document, field, number
from .rekor import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .keys import PrivateKey

_LARGEST = 4 << 20
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


def hashed(content: bytes, signature: bytes, signer: bytes) -> dict[str, Any]:
    """The entry that says: this signature is of a content. signer: PEM."""
    import hashlib

    return {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}},
            "signature": {
                "content": _encoded(signature),
                "publicKey": {"content": _encoded(signer)},
            },
        },
    }


def enveloped(statement: bytes, signature: bytes, signer: bytes) -> dict[str, Any]:
    """The entry of an envelope around a statement."""
    from .bundle import STATEMENT

    envelope = {
        "payload": _encoded(statement),
        "payloadType": STATEMENT,
        "signatures": [{"sig": _encoded(signature)}],
    }
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "proposedContent": {"envelope": json.dumps(envelope), "verifiers": [_encoded(signer)]}
        },
    }


def logged(url: str, proposed: Mapping[str, Any]) -> Entry:
    """Let a log take up an entry; the entry as it is there, or was already.

    Raises RegistryError with the log's words, TimedOut, Corrupt.
    """
    place = f"{url.rstrip('/')}/api/v1/log/entries"
    answer = web.ask(place, limit=_LARGEST, body=json.dumps(proposed).encode(), headers=_JSON)
    if answer.status == 409 and answer.location:
        there = urljoin(place, answer.location)
        if not there.startswith(f"{url.rstrip('/')}/"):
            raise Corrupt(f"{place}: sends us to another server")
        answer = web.ask(there, limit=_LARGEST, headers=_JSON)
    if answer.status not in (200, 201):
        raise RegistryError(f"{place}: status {answer.status}: {_words(answer.data)}")
    what = "Rekor's answer"
    found = list(document(answer.data, what).values())
    if len(found) != 1:
        raise Corrupt(f"{what}: expected one entry")
    return _entry(found[0], what)


def _entry(found: Any, what: str) -> Entry:
    proof = None
    if isinstance(found, dict) and (found.get("verification") or {}).get("inclusionProof"):
        proof = _proof(found["verification"]["inclusionProof"], what)
    return Entry(
        body=binary(found, "body", what),
        time=number(found, "integratedTime", what),
        index=number(found, "logIndex", what),
        log_id=field(found, "logID", str, what),
        promise=binary(found, "verification.signedEntryTimestamp", what),
        proof=proof,
    )


def _proof(found: Any, what: str) -> Proof:
    try:
        hashes = tuple(bytes.fromhex(one) for one in field(found, "hashes", list, what))
        root = bytes.fromhex(field(found, "rootHash", str, what))
    except (ValueError, TypeError):
        raise Corrupt(f"{what}: its inclusion proof is not what it should be") from None
    index, size = number(found, "logIndex", what), number(found, "treeSize", what)
    return Proof(index, size, root, hashes, field(found, "checkpoint", str, what))


def certificates(url: str, token: str, key: PrivateKey) -> tuple[str, ...]:
    """A certificate for a key and its chain, in PEM, for whom the OIDC token names.

    Raises InvalidArgument for what is no token, RegistryError with Fulcio's words, Corrupt.
    """
    place = f"{url.rstrip('/')}/api/v2/signingCert"
    proof = keys.sign(key, _subject(token).encode())
    asked = {
        "credentials": {"oidcIdentityToken": token},
        "publicKeyRequest": {
            "publicKey": {
                "algorithm": "ECDSA",
                "content": keys.pem(key.public_key()).decode(),
            },
            "proofOfPossession": _encoded(proof),
        },
    }
    answer = web.ask(place, limit=_LARGEST, body=json.dumps(asked).encode(), headers=_JSON)
    if answer.status not in (200, 201):
        raise RegistryError(f"{place}: status {answer.status}: {_words(answer.data)}")
    what = "Fulcio's answer"
    root = document(answer.data, what)
    kinds = [name for name in root if name.startswith("signedCertificate")]
    if len(kinds) != 1:
        raise Corrupt(f"{what}: expected one certificate")
    chain = field(root[kinds[0]], "chain.certificates", list, what)
    if not chain or not all(isinstance(one, str) for one in chain):
        raise Corrupt(f"{what}: its chain is not what it should be")
    return tuple(chain)


def _subject(token: str) -> str:
    """Whom a token names: what Fulcio wants to be signed as a proof of having the key."""
    parts = token.split(".")
    try:
        said = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return str(said.get("email") or said["sub"])
    except (IndexError, ValueError, KeyError, AttributeError):
        raise InvalidArgument("the OIDC token is not a JWT that names somebody") from None


def _words(data: bytes) -> str:
    """What a service says of an error."""
    try:
        return str(json.loads(data)["message"])[:500]
    except (ValueError, KeyError, TypeError, RecursionError):
        return data[:200].decode(errors="replace").strip()


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
