"""Whether an entry is in a transparency log: Merkle proofs (RFC 6962, 2.1.1) against a signed
checkpoint (c2sp.org/tlog-checkpoint, c2sp.org/signed-note).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ...errors import Corrupt, DeniedByPolicy
from ...value import Value
from . import keys
from .reading import decoded

if TYPE_CHECKING:
    from .keys import PublicKey

_MOST_HASHES = 64
_MOST_SIGNATURES = 32
_LARGEST = 64 << 10
_HINT = 4


class Proof(Value):
    """index: of the entry in its tree. checkpoint: a signed note."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


def check(proof: Proof, body: bytes, logs: tuple[PublicKey, ...]) -> None:
    """Raise DeniedByPolicy unless the entry is in the tree of a checkpoint that a log signed."""
    size, root = _checkpoint(proof.checkpoint, logs)
    if (size, root) != (proof.size, proof.root):
        raise DeniedByPolicy("its inclusion proof is for another tree than the checkpoint's")
    if _root(proof, hashlib.sha256(b"\0" + body).digest()) != proof.root:
        raise DeniedByPolicy("its inclusion proof is wrong: the log has no such entry")


def _root(proof: Proof, leaf: bytes) -> bytes:
    """The root that the hashes beside a leaf's path lead to (RFC 9162, 2.1.3.2)."""
    if not 0 <= proof.index < proof.size or len(proof.hashes) > _MOST_HASHES:
        raise DeniedByPolicy("its inclusion proof is wrong: there is no such place in the tree")
    index, last, found = proof.index, proof.size - 1, leaf
    for sibling in proof.hashes:
        if last == 0:
            raise DeniedByPolicy("its inclusion proof is wrong: it is too long")
        if index & 1 or index == last:
            found = _node(sibling, found)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            found = _node(found, sibling)
        index, last = index >> 1, last >> 1
    if last != 0:
        raise DeniedByPolicy("its inclusion proof is wrong: it is too short")
    return found


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _checkpoint(note: str, logs: tuple[PublicKey, ...]) -> tuple[int, bytes]:
    """Size and root hash of a checkpoint that one of the logs signed."""
    if len(note) > _LARGEST:
        raise Corrupt(f"checkpoint of {len(note)} characters is too large")
    text, blank, signed = note.partition("\n\n")
    lines = (text + "\n").splitlines()
    if not blank or len(lines) < 3 or not lines[1].isascii() or not lines[1].isdecimal():
        raise Corrupt("checkpoint: not a signed note with an origin, a size and a root hash")
    for line in signed.splitlines()[:_MOST_SIGNATURES]:
        dash, _, rest = line.partition(" ")
        if dash != "\u2014":
            raise Corrupt("checkpoint: not a signature line")
        signature = decoded(rest.rpartition(" ")[2], "checkpoint: a signature")[_HINT:]
        if any(keys.verified(key, signature, (text + "\n").encode()) for key in logs):
            return int(lines[1]), decoded(lines[2], "checkpoint: its root hash")
    raise DeniedByPolicy("its checkpoint is not signed by a known log")
