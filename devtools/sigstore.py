"""Rekor and Fulcio on loopback, for tests: a log with real Merkle proofs, and an authority.

They speak the real services' protocols, as far as signing and checking need them, and keep what
they do in memory. What they give can be tampered with: that is what they are for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devtools.serving import InThread
from rundlet.core.trust.sigstore import keys
from rundlet.core.trust.sigstore.log import Proof
from rundlet.core.trust.sigstore.rekor import Entry

ISSUER = "https://issuer.example.com"
_OIDC = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_BUILD_SIGNER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.9")


def encoded(data: bytes) -> str:
    """Base64."""
    return base64.b64encode(data).decode()


class Log:
    """A transparency log: append, and get the entry with its promise and proof."""

    def __init__(self) -> None:
        self.key = keys.generate()
        self.public = keys.pem(self.key.public_key())
        self.id = hashlib.sha256(keys.der(self.key.public_key())).hexdigest()
        self.origin = "log.example.com"
        self._leaves: list[bytes] = []

    def add(self, body: bytes, when: float = 0) -> Entry:
        """Take up an entry, at a time (seconds since 1970)."""
        self._leaves.append(hashlib.sha256(b"\0" + body).digest())
        index, at = len(self._leaves) - 1, int(when or time.time())
        said = {
            "body": encoded(body),
            "integratedTime": at,
            "logID": self.id,
            "logIndex": index,
        }
        text = json.dumps(said, separators=(",", ":"), sort_keys=True).encode()
        promise = keys.sign(self.key, text)
        return Entry(body, at, index, self.id, promise, self.proof(index))

    def proof(self, index: int) -> Proof:
        """That an entry is in the log as it is now."""
        path, root = _path(self._leaves, index)
        text = f"{self.origin} - 1\n{len(self._leaves)}\n{encoded(root)}\n"
        hint = bytes.fromhex(self.id)[:4]
        signed = encoded(hint + keys.sign(self.key, text.encode()))
        note = f"{text}\n\u2014 {self.origin} {signed}\n"
        return Proof(index, len(self._leaves), root, tuple(path), note)


def _path(leaves: list[bytes], index: int) -> tuple[list[bytes], bytes]:
    """The hashes beside a leaf's path, lowest first, and the root (RFC 6962, 2.1)."""
    if len(leaves) == 1:
        return [], leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    low, high = leaves[:half], leaves[half:]
    if index < half:
        path, left = _path(low, index)
        right = _path(high, 0)[1]
        path.append(right)
    else:
        path, right = _path(high, index - half)
        left = _path(low, 0)[1]
        path.append(left)
    return path, hashlib.sha256(b"\1" + left + right).digest()


def hashedrekord(message: bytes, signature: bytes, signer: bytes) -> bytes:
    """The body of an entry. signer: PEM of a key or certificate."""
    return _body(
        "hashedrekord",
        {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(message).hexdigest()}},
            "signature": {
                "content": encoded(signature),
                "publicKey": {"content": encoded(signer)},
            },
        },
    )


def dsse(payload: bytes, signature: str, signer: str) -> bytes:
    """The body of an entry of an envelope; signature and signer in base64."""
    digest = hashlib.sha256(payload).hexdigest()
    return _body(
        "dsse",
        {
            "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},
            "payloadHash": {"algorithm": "sha256", "value": digest},
            "signatures": [{"signature": signature, "verifier": signer}],
        },
    )


def _body(kind: str, spec: dict[str, Any]) -> bytes:
    document = {"apiVersion": "0.0.1", "kind": kind, "spec": spec}
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


class Authority:
    """A root, an authority below it, and certificates for whom one likes."""

    def __init__(self) -> None:
        self._root_key, self._key = keys.generate(), keys.generate()
        self.root_certificate = _certificate(
            "root", self._root_key.public_key(), "root", self._root_key, ca=1
        )
        self.between = _certificate("between", self._key.public_key(), "root", self._root_key, ca=0)

    @property
    def root(self) -> bytes:
        """What to trust, in PEM."""
        return pem(self.root_certificate)

    def issue(
        self,
        key: ec.EllipticCurvePublicKey,
        *,
        email: str = "me@example.com",
        issuer: str = ISSUER,
        begins: datetime | None = None,
        minutes: float = 10,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
        host: str = "",
        critical: bool = False,
        workflow: str = "",
    ) -> x509.Certificate:
        """A certificate as Fulcio issues it. critical: with an extension that nobody knows.
        workflow: the URI of one that signs, instead of a user.
        """
        names: list[x509.GeneralName] = [x509.DNSName(host)] if host else []
        names += [x509.RFC822Name(email)] if email and not workflow else []
        names += [x509.UniformResourceIdentifier(workflow)] if workflow else []
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.ExtendedKeyUsage([usage]), False),
            (x509.SubjectAlternativeName(names), True),
            (x509.UnrecognizedExtension(_OIDC, issuer.encode()), False),
        ]
        if workflow:
            text = b"\x0c" + bytes([len(workflow)]) + workflow.encode()
            extensions.append((x509.UnrecognizedExtension(_BUILD_SIGNER, text), False))
        if critical:
            unknown = x509.ObjectIdentifier("1.3.6.1.4.1.57264.99")
            extensions.append((x509.UnrecognizedExtension(unknown, b"\5\0"), True))
        return _certificate(
            "", key, "between", self._key, begins=begins, minutes=minutes, extensions=extensions
        )

    def circle(self) -> x509.Certificate:
        """An authority of the name of the one below the root, which it vouches for itself."""
        return _certificate("between", self._key.public_key(), "between", self._key, ca=9)


def pem(certificate: x509.Certificate) -> bytes:
    """A certificate as files have it."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _certificate(
    subject: str,
    key: ec.EllipticCurvePublicKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: int | None = None,
    begins: datetime | None = None,
    minutes: float = 2 * 24 * 60,
    extensions: list[tuple[x509.ExtensionType, bool]] | None = None,
) -> x509.Certificate:
    """ca: how many authorities may be below it; None for none at all."""
    start = begins or datetime.now(UTC) - timedelta(minutes=5 if ca is None else 24 * 60)
    usage = x509.KeyUsage(ca is None, False, False, False, False, ca is not None, False, False,
                          False)  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(minutes=minutes))
        .add_extension(x509.BasicConstraints(ca is not None, ca), critical=True)
        .add_extension(usage, critical=True)
    )
    for extension, critical in extensions or []:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def token(email: str) -> str:
    """An OIDC token that names somebody; nobody checks its signature here."""
    parts = ({"alg": "none"}, {"email": email, "sub": "1"})
    head, said = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    return f"{head}.{said}.x"


class Services(InThread):
    """Rekor's and Fulcio's interfaces at `url`, over a log and an authority."""

    def __init__(self) -> None:
        self.log = Log()
        self.authority = Authority()
        self._known: dict[str, bytes] = {}
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/api/v1/log/entries":
                    self._answer(*services._logged(asked))
                elif self.path == "/api/v2/signingCert":
                    self._answer(201, services._signed(asked))
                else:
                    self._answer(404, {"message": "not here"})

            def do_GET(self) -> None:
                self._answer(200, json.loads(services._known[self.path.rpartition("/")[2]]))

            def _answer(self, status: int, found: dict[str, Any]) -> None:
                body = json.dumps(found).encode()
                self.send_response(status)
                if status == 201:
                    self.send_header("ETag", next(iter(found)))
                if status == 409:
                    self.send_header("Location", f"/api/v1/log/entries/{found['uuid']}")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        super().__init__(server)
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.log.origin = "127.0.0.1"  # cosign looks for the name of the host

    def _logged(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        body = _canonical(asked)
        uuid = hashlib.sha256(body).hexdigest()
        if uuid in self._known:
            return 409, {"message": "an equivalent entry already exists", "uuid": uuid}
        entry = self.log.add(body)
        assert entry.proof is not None
        answer = {
            uuid: {
                "body": encoded(body),
                "integratedTime": entry.time,
                "logID": entry.log_id,
                "logIndex": entry.index,
                "verification": {
                    "signedEntryTimestamp": encoded(entry.promise),
                    "inclusionProof": {
                        "logIndex": entry.proof.index,
                        "treeSize": entry.proof.size,
                        "rootHash": entry.proof.root.hex(),
                        "hashes": [one.hex() for one in entry.proof.hashes],
                        "checkpoint": entry.proof.checkpoint,
                    },
                },
            }
        }
        self._known[uuid] = json.dumps(answer).encode()
        return 201, answer

    def _signed(self, asked: dict[str, Any]) -> dict[str, Any]:
        request = asked["publicKeyRequest"]
        key = serialization.load_pem_public_key(request["publicKey"]["content"].encode())
        said = asked["credentials"]["oidcIdentityToken"].split(".")[1]
        email = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))["email"]
        assert isinstance(key, ec.EllipticCurvePublicKey)
        proof = base64.b64decode(request["proofOfPossession"])
        key.verify(proof, email.encode(), ec.ECDSA(hashes.SHA256()))

        leaf = self.authority.issue(key, email=email)
        chain = (leaf, self.authority.between, self.authority.root_certificate)
        listed = [pem(one).decode() for one in chain]
        return {"signedCertificateEmbeddedSct": {"chain": {"certificates": listed}}}


def _canonical(asked: dict[str, Any]) -> bytes:
    """The body that the log keeps of a proposed entry."""
    if asked["kind"] == "hashedrekord":
        return _body("hashedrekord", asked["spec"])
    proposed = asked["spec"]["proposedContent"]
    envelope = json.loads(proposed["envelope"])
    payload = base64.b64decode(envelope["payload"])
    return dsse(payload, envelope["signatures"][0]["sig"], proposed["verifiers"][0])
