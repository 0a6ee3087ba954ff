"""Private keys as cosign keeps them, and what is in a file that is none.

The vectors were made by cosign 3.1.3 (`go install github.com/sigstore/cosign/v3/cmd/cosign`):
`cosign generate-key-pair` with the passphrase `secret`, then `cosign sign --key cosign.key
--tlog-upload=false --use-signing-config=false --allow-insecure-registry REPOSITORY:1`, once as it
is and once with `--new-bundle-format=false`; what it wrote is as the registry had it. `logged` is a
bundle with an entry of Rekor 2 (`github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix` 2.3.0
on loopback, its key of Ed25519), made with a signing configuration that names it.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from devtools.sigstore import encoded
from rundlet.core.contracts.transport import Location
from rundlet.core.errors import InvalidArgument, SignatureDenied
from rundlet.core.trust.check import allow
from rundlet.core.trust.policy import Identity, Policy, Requirement
from rundlet.core.trust.policy_fields import Source
from rundlet.core.trust.sigstore import keys
from rundlet.core.trust.sigstore_policy import SigstoreTrust
from rundlet.core.trust.stored import BUNDLE, SIMPLE_SIGNING, Sigstore

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "cosign.json").read_text())
MANIFEST = VECTORS["manifest"].encode()


def policy(identity: str, *logs: str) -> Policy:
    found = Source(data=tuple(log.encode() for log in logs))
    trusted = SigstoreTrust(keys=Source(data=(VECTORS["public"].encode(),)), logs=found)
    return Policy((Requirement("sigstoreSigned", Source(), Identity(identity), trusted),))


def place(name: str) -> Location:
    return Location("docker", f"//{name}", name)


def test_what_cosign_made() -> None:
    key = keys.private(VECTORS["private"].encode(), b"secret", "cosign.key")
    assert keys.pem(key.public_key()).decode() == VECTORS["public"]
    attached = Sigstore(SIMPLE_SIGNING, VECTORS["payload"].encode(), VECTORS["annotations"])
    repository = VECTORS["repository"]
    allow(policy("matchRepository"), place(f"{repository}:1"), MANIFEST, [attached.packed()])
    with pytest.raises(SignatureDenied, match="is not accepted"):
        allow(policy("matchExact"), place(f"{repository}:1"), MANIFEST, [attached.packed()])
    bundle = Sigstore(BUNDLE, VECTORS["bundle"].encode()).packed()
    allow(policy("matchDigest"), place("example.com/x:1"), MANIFEST, [bundle])
    with pytest.raises(SignatureDenied, match="it names no image"):
        allow(policy("matchRepository"), place(f"{repository}:1"), MANIFEST, [bundle])
    with pytest.raises(SignatureDenied, match="it is of sha256"):
        allow(policy("matchDigest"), place("example.com/x:1"), MANIFEST + b" ", [bundle])


def test_what_cosign_put_into_rekor_2() -> None:
    bundle = Sigstore(BUNDLE, VECTORS["logged"].encode())
    image, right = place("example.com/x:1"), VECTORS["rekor2"]
    allow(policy("matchDigest", right), image, MANIFEST, [bundle.packed()])
    other = keys.pem(keys.generate().public_key()).decode()
    with pytest.raises(SignatureDenied, match="not signed by a known log"):
        allow(policy("matchDigest", other), image, MANIFEST, [bundle.packed()])
    changed = json.loads(bundle.payload)
    proof = changed["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    proof["rootHash"] = encoded(bytes(32))
    forged = Sigstore(BUNDLE, json.dumps(changed).encode())
    with pytest.raises(SignatureDenied, match="for another tree"):
        allow(policy("matchDigest", right), image, MANIFEST, [forged.packed()])


@pytest.mark.parametrize(
    "key",
    [
        keys.generate(),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
)
def test_round_trip(key: keys.PrivateKey) -> None:
    sealed = keys.encrypted(key, "pässword".encode())
    found = keys.private(sealed, "pässword".encode(), "a key")
    assert keys.verified(key.public_key(), keys.sign(found, b"x"), b"x")
    assert not keys.verified(key.public_key(), keys.sign(found, b"x"), b"y")
    with pytest.raises(InvalidArgument, match="the passphrase is wrong"):
        keys.private(sealed, b"other", "a key")


@pytest.mark.parametrize(
    ("curve", "algorithm", "good"),
    [
        (ec.SECP384R1(), hashes.SHA256(), True),
        (ec.SECP384R1(), hashes.SHA384(), True),
        (ec.SECP521R1(), hashes.SHA512(), True),
        (ec.SECP256R1(), hashes.SHA384(), False),
    ],
)
def test_larger_curves(
    curve: ec.EllipticCurve, algorithm: hashes.HashAlgorithm, good: bool
) -> None:
    key = ec.generate_private_key(curve)
    signature = key.sign(b"x", ec.ECDSA(algorithm))
    assert keys.verified(key.public_key(), signature, b"x") is good
    assert not keys.verified(key.public_key(), signature, b"y")


def test_weak_keys() -> None:
    weak = rsa.generate_private_key(65537, 1024).public_key()
    with pytest.raises(InvalidArgument, match="RSA key of 1024 bits is too short"):
        keys.public(keys.pem(weak), "a key")


def sealed(**changes: Any) -> bytes:
    text = keys.encrypted(keys.generate(), b"x").decode()
    document = json.loads(base64.b64decode("".join(text.split("\n")[1:-2])))
    for name, value in changes.items():
        document[name].update(value)
    label = "ENCRYPTED COSIGN PRIVATE KEY"  # its older name
    body = encoded(json.dumps(document).encode())
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "found nothing"),
        (keys.pem(keys.generate().public_key()), "found PUBLIC KEY"),
        (
            keys.generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            "found PRIVATE KEY",
        ),
        (sealed(kdf={"params": {"N": 1 << 40, "r": 8, "p": 1}}), "is refused"),
        (sealed(kdf={"params": {"N": 3, "r": 8, "p": 1}}), "not a sigstore private key"),
        (sealed(kdf={"name": "argon2"}), "sealed in another way"),
        (sealed(cipher={"nonce": "AA=="}), "not a sigstore private key"),
    ],
)
def test_nonsense(data: bytes, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        keys.private(data, b"x", "a key")


def test_the_older_label() -> None:
    keys.private(sealed(), b"x", "a key")
