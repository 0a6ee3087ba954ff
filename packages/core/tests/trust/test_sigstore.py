"""`sigstoreSigned`: what is accepted, and every way in which a signature can be wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from devtools.sigstore import ISSUER, Authority, Log, dsse, encoded, hashedrekord, pem
from rundlet.core.errors import RundletError, SettingsError, SignatureDenied
from rundlet.core.images.digests import digest_of
from rundlet.core.transports.docker.transport import DockerTransport
from rundlet.core.trust import simple
from rundlet.core.trust.check import allow
from rundlet.core.trust.policy import load
from rundlet.core.trust.sigstore import bundle, evidence, keys, rekor
from rundlet.core.trust.sigstore.log import Proof
from rundlet.core.trust.sigstore.rekor import Entry
from rundlet.core.trust.stored import BUNDLE, SIMPLE_SIGNING, Sigstore, unpacked

MANIFEST = b'{"schemaVersion": 2}'
DIGEST = digest_of(MANIFEST)
NAME = "example.com/team/app:1"
IMAGE = DockerTransport().parse(f"//{NAME}")
KEY, OTHER = keys.generate(), keys.generate()
AUTHORITY = Authority()


def public(key: Any = KEY) -> str:
    return encoded(keys.pem(key.public_key()))


def judge(directory: Path, signature: bytes, manifest: bytes = MANIFEST, **fields: Any) -> None:
    """Judge the image by a policy with these fields. Raises what it says."""
    requirement = {"type": "sigstoreSigned", **fields}
    (directory / "policy.json").write_text(json.dumps({"default": [requirement]}))
    allow(load(str(directory / "policy.json")), IMAGE, manifest, [signature])


def refused(directory: Path, signature: bytes, said: str, **fields: Any) -> None:
    with pytest.raises(SignatureDenied, match=said):
        judge(directory, signature, **fields)


class Made:
    """A signature being made: what is in it may be changed before it is `packed`."""

    def __init__(self, key: Any = KEY, digest: str = DIGEST, name: str = NAME) -> None:
        self.key = key
        self.text = simple.payload(digest, name, evidence.COSIGN_TYPE)
        self.signature = keys.sign(key, self.text)
        self.said = {evidence.SIGNATURE: encoded(self.signature)}
        self.signer = keys.pem(key.public_key())

    def certified(self, **how: Any) -> Made:
        leaf = AUTHORITY.issue(self.key.public_key(), **how)
        self.signer = pem(leaf)
        self.said[evidence.CERTIFICATE] = self.signer.decode()
        self.said[evidence.CHAIN] = pem(AUTHORITY.between).decode()
        return self

    def logged(self, log: Log, when: float = 0) -> Made:
        entry = log.add(hashedrekord(self.text, self.signature, self.signer), when)
        self.said[evidence.LOGGED] = rekor.annotation(entry)
        return self

    def packed(self) -> bytes:
        return Sigstore(SIMPLE_SIGNING, self.text, self.said).packed()


def test_a_key(tmp_path: Path) -> None:
    judge(tmp_path, Made().packed(), keyData=public())
    judge(tmp_path, Made().packed(), keyDatas=[public(OTHER), public()])
    refused(tmp_path, Made().packed(), "not a signature by a known key", keyData=public(OTHER))
    refused(tmp_path, Made(digest="sha256:" + "0" * 64).packed(), "it is of", keyData=public())
    refused(tmp_path, Made(name=f"{NAME}2").packed(), "is not accepted", keyData=public())
    whoever = {"signedIdentity": {"type": "matchDigest"}}
    judge(tmp_path, Made(name="x.com/y:1").packed(), keyData=public(), **whoever)


def test_files_of_keys(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_bytes(keys.pem(KEY.public_key()))
    judge(tmp_path, Made().packed(), keyPath=f"{tmp_path}/key.pub")
    (tmp_path / "key.pub").write_bytes(b"nothing")
    with pytest.raises(SettingsError, match="not a public key in PEM"):
        judge(tmp_path, Made().packed(), keyPaths=[f"{tmp_path}/key.pub"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "exactly one of keyPath"),
        ({"keyPath": "/a", "keyData": "YQ=="}, "exactly one of keyPath"),
        ({"keyData": "!"}, "keyData: not base64"),
        ({"keyPaths": []}, "keyPaths: expected text"),
        ({"keyPath": "/a", "rekorPublicKeyData": 3}, "rekorPublicKeyData: expected text"),
        ({"fulcio": {"caPath": "/a", "oidcIssuer": "x", "subjectEmail": "y"}}, "fulcio needs"),
        ({"fulcio": {"caPath": "/a"}, "rekorPublicKeyPath": "/b"}, "oidcIssuer is missing"),
        (
            {"fulcio": {"caPath": "/a", "oidcIssuer": "x"}, "rekorPublicKeyPath": "/b"},
            "one of subjectEmail and buildSignerURI",
        ),
        ({"pki": {"caRootsPath": "/a"}}, "one of subjectEmail and subjectHostname"),
        ({"pki": {"caRootsPath": "/a", "subjectEmail": ""}}, "subjectEmail: expected text"),
        ({"keyPath": "/a", "fulcioo": 1}, "unknown field fulcioo"),
    ],
)
def test_bad_policies(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        judge(tmp_path, Made().packed(), **fields)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda made: made.said.clear(), "signature is missing"),
        (lambda made: made.said.update({evidence.SIGNATURE: "!"}), "is not base64"),
        (lambda made: made.said.update({evidence.CERTIFICATE: "no"}), "certificates: "),
        (lambda made: setattr(made, "text", made.text + b" "), "not a signature by a known key"),
        (lambda made: setattr(made, "text", b"[" * 100_000), "not JSON"),
        (lambda made: setattr(made, "text", b"x" * (2 << 20)), "is too large"),
        (lambda made: setattr(made, "text", b'{"critical":{"type":1},"optional":{}}'), "other"),
        (lambda made: made.said.update({evidence.LOGGED: "{}"}), "Rekor bundle: Payload.body"),
    ],
)
def test_nonsense(tmp_path: Path, change: Callable[[Made], Any], said: str) -> None:
    made = Made()
    change(made)
    refused(tmp_path, made.packed(), said, keyData=public())


def test_what_is_no_signature(tmp_path: Path) -> None:
    attestation = Sigstore("application/vnd.dsse.envelope.v1+json", b"{}").packed()
    refused(tmp_path, attestation, "not a signature", keyData=public())
    refused(tmp_path, b"\0other\nx", "of an unknown form", keyData=public())
    refused(tmp_path, b"\0sigstore-json\n{", "not what it should be", keyData=public())
    refused(tmp_path, b"\x90gpg", "1 of another kind", keyData=public())


def test_a_key_and_a_log(tmp_path: Path) -> None:
    log, stranger = Log(), Log()
    fields = {"keyData": public(), "rekorPublicKeyData": encoded(log.public)}
    judge(tmp_path, Made().logged(log).packed(), **fields)
    refused(tmp_path, Made().packed(), "in no transparency log", **fields)
    refused(tmp_path, Made().logged(stranger).packed(), "not promised", **fields)
    several = {"keyData": public(), "rekorPublicKeyDatas": [
        encoded(stranger.public), encoded(log.public),
    ]}  # fmt: skip
    judge(tmp_path, Made().logged(log).packed(), **several)


def test_the_promise_of_another_entry(tmp_path: Path) -> None:
    log = Log()
    fields = {"keyData": public(), "rekorPublicKeyData": encoded(log.public)}
    made, other = Made().logged(log), Made(name=f"{NAME}-other").logged(log)
    made.said[evidence.LOGGED] = other.said[evidence.LOGGED]
    refused(tmp_path, made.packed(), "of another content", **fields)
    by_other = Made()
    entry = log.add(hashedrekord(by_other.text, keys.sign(OTHER, by_other.text),
                                 keys.pem(OTHER.public_key())))  # fmt: skip
    by_other.said[evidence.LOGGED] = rekor.annotation(entry)
    refused(tmp_path, by_other.packed(), "another signature or another key", **fields)
    made = Made().logged(log)
    changed = json.loads(made.said[evidence.LOGGED])
    changed["Payload"]["integratedTime"] += 1
    made.said[evidence.LOGGED] = json.dumps(changed)
    refused(tmp_path, made.packed(), "not promised", **fields)


def fulcio(log: Log, **changes: Any) -> dict[str, Any]:
    wanted = {"caData": encoded(AUTHORITY.root), "oidcIssuer": ISSUER,
              "subjectEmail": "me@example.com"}  # fmt: skip
    return {"rekorPublicKeyData": encoded(log.public), "fulcio": {**wanted, **changes}}


def test_a_workflow_that_signed(tmp_path: Path) -> None:
    log, here = Log(), "https://ci.example.com/team/.ci/release.yml@refs/heads/main"
    by_workflow = Made().certified(workflow=here).logged(log).packed()
    wanted = fulcio(log, buildSignerURI=here)
    refused(tmp_path, by_workflow, "not me@example.com", **wanted)  # both are to be right
    del wanted["fulcio"]["subjectEmail"]
    judge(tmp_path, by_workflow, **wanted)
    by_user = Made().certified().logged(log).packed()
    refused(tmp_path, by_user, f"nobody by name, not {here}", **wanted)
    wanted["fulcio"]["buildSignerURI"] = f"{here}2"
    refused(tmp_path, by_workflow, f"is {here}, not {here}2", **wanted)


def test_a_certificate_of_fulcio(tmp_path: Path) -> None:
    log = Log()
    judge(tmp_path, Made().certified().logged(log).packed(), **fulcio(log))
    good = Made().certified().logged(log).packed()
    refused(tmp_path, good, "is me@example.com, not", **fulcio(log, subjectEmail="you@x.com"))
    refused(tmp_path, good, "identified by", **fulcio(log, oidcIssuer="https://other"))
    roots = encoded(Authority().root)
    refused(tmp_path, good, "not issued by a known authority", **fulcio(log, caData=roots))
    refused(tmp_path, Made().logged(log).packed(), "has no certificate", **fulcio(log))
    refused(tmp_path, Made().certified().packed(), "in no transparency log", **fulcio(log))


def test_when_a_certificate_was_valid(tmp_path: Path) -> None:
    """It counts when the log took the signature up, not when it is checked."""
    log, past = Log(), datetime.now(UTC) - timedelta(hours=3)
    made = Made().certified(begins=past)
    judge(tmp_path, made.logged(log, past.timestamp() + 60).packed(), **fulcio(log))
    refused(tmp_path, made.logged(log).packed(), "is valid from", **fulcio(log))
    refused(tmp_path, made.logged(log, past.timestamp() - 60).packed(), "is valid", **fulcio(log))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"usage": ExtendedKeyUsageOID.SERVER_AUTH}, "not for signing code"),
        ({"email": ""}, "nobody by name"),
        ({"critical": True}, "has a critical extension 1.3.6.1.4.1.57264.99"),
    ],
)
def test_bad_certificates(tmp_path: Path, how: dict[str, Any], said: str) -> None:
    log = Log()
    how = {**how, "host": "x.example.com"} if how.get("email") == "" else how
    refused(tmp_path, Made().certified(**how).logged(log).packed(), said, **fulcio(log))


def test_a_chain_that_does_not_lead_up(tmp_path: Path) -> None:
    log = Log()
    made = Made().certified()
    made.said[evidence.CHAIN] = ""
    refused(tmp_path, made.logged(log).packed(), "not issued by a known", **fulcio(log))
    # A signer's certificate is no authority, though it signs another one.
    leaf = AUTHORITY.issue(OTHER.public_key())
    forger = Authority()
    forger._key, forged = OTHER, Made()
    forged.certified()
    forged.signer = pem(forger.issue(KEY.public_key()))
    forged.said[evidence.CERTIFICATE] = forged.signer.decode()
    forged.said[evidence.CHAIN] = (pem(leaf) + pem(AUTHORITY.between)).decode()
    refused(tmp_path, forged.logged(log).packed(), "not issued by a known", **fulcio(log))


def test_a_chain_in_circles(tmp_path: Path) -> None:
    """Authorities that vouch for one another, in every order: looked at once each."""
    log, made, forger = Log(), Made(), Authority()
    made.said[evidence.CERTIFICATE] = pem(forger.issue(KEY.public_key())).decode()
    made.signer = made.said[evidence.CERTIFICATE].encode()
    circle = [forger.circle() for _ in range(16)]
    made.said[evidence.CHAIN] = b"".join(map(pem, circle)).decode()
    began = time.monotonic()
    refused(tmp_path, made.logged(log).packed(), "not issued by a known", **fulcio(log))
    assert time.monotonic() - began < 20


def test_an_authority_of_ones_own(tmp_path: Path) -> None:
    roots = {"caRootsData": encoded(AUTHORITY.root)}
    made = Made().certified(host="build.example.com")
    for subject in ({"subjectEmail": "me@example.com"}, {"subjectHostname": "build.example.com"}):
        judge(tmp_path, made.packed(), pki={**roots, **subject})
    refused(tmp_path, made.packed(), "not x.com", pki={**roots, "subjectHostname": "x.com"})
    refused(tmp_path, made.packed(), "not y@x", pki={
        **roots, "subjectEmail": "y@x", "subjectHostname": "build.example.com",
    })  # fmt: skip
    del made.said[evidence.CHAIN]
    between = {"caIntermediatesData": encoded(pem(AUTHORITY.between))}
    mine = {**roots, "subjectEmail": "me@example.com"}
    judge(tmp_path, made.packed(), pki={**mine, **between})
    refused(tmp_path, made.packed(), "not issued by a known", pki=mine)
    expired = Made().certified(begins=datetime.now(UTC) - timedelta(hours=3))
    refused(tmp_path, expired.packed(), "is valid from", pki=mine)


# --- bundles


def bundled(
    key: Any = KEY, digest: str = DIGEST, name: str = NAME, log: Log | None = None, **more: Any
) -> bytes:
    """A bundle as it is attached."""
    text = bundle.statement(digest, name)
    signature = keys.sign(key, bundle.authenticated(bundle.STATEMENT, text))
    entries: tuple[Entry, ...] = more.pop("entries", ())
    if log is not None:
        entries = (log.add(dsse(text, encoded(signature), public(key))),)
    return Sigstore(BUNDLE, bundle.write(text, signature, entries=entries, **more)).packed()


def changed(signature: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """A bundle with a change in its document."""
    document = json.loads(unpacked(signature).payload)
    change(document)
    return Sigstore(BUNDLE, json.dumps(document).encode()).packed()


def test_a_bundle(tmp_path: Path) -> None:
    judge(tmp_path, bundled(), keyData=public())
    refused(tmp_path, bundled(OTHER), "not a signature by a known key", keyData=public())
    refused(tmp_path, bundled(name=f"{NAME}2"), "is not accepted", keyData=public())
    refused(tmp_path, bundled(digest="sha256:" + "0" * 64), "it is of", keyData=public())
    log = Log()
    fields = {"keyData": public(), "rekorPublicKeyData": encoded(log.public)}
    for _ in range(5):  # proofs of every form
        judge(tmp_path, bundled(log=log), **fields)
    refused(tmp_path, bundled(), "in no transparency log", **fields)
    refused(tmp_path, bundled(log=Log()), "not promised", **fields)


def test_a_bundle_of_fulcio(tmp_path: Path) -> None:
    log, text = Log(), bundle.statement(DIGEST, NAME)
    signature = keys.sign(KEY, bundle.authenticated(bundle.STATEMENT, text))
    leaf = AUTHORITY.issue(KEY.public_key())
    entry = log.add(dsse(text, encoded(signature), encoded(pem(leaf))))
    chain = [{"rawBytes": encoded(base64.b64decode("".join(
        pem(one).decode().split("\n")[1:-2])))} for one in (leaf, AUTHORITY.between)]  # fmt: skip

    def chained(document: dict[str, Any]) -> None:
        del document["verificationMaterial"]["publicKey"]
        document["verificationMaterial"]["x509CertificateChain"] = {"certificates": chain}

    made = Sigstore(BUNDLE, bundle.write(text, signature, entries=(entry,))).packed()
    judge(tmp_path, changed(made, chained), **fulcio(log))
    unpromised = entry.replace(promise=b"", time=entry.time)
    made = Sigstore(BUNDLE, bundle.write(text, signature, entries=(unpromised,))).packed()
    refused(tmp_path, changed(made, lambda d: (
        chained(d), d["verificationMaterial"]["tlogEntries"][0].pop("inclusionPromise"),
    )), "when it was made", **fulcio(log))  # fmt: skip


def _entry(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["verificationMaterial"]["tlogEntries"][0]
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: e["inclusionProof"]["hashes"].reverse(), "the log has no such entry"),
        (lambda e: e["inclusionProof"]["hashes"].pop(), "it is too short"),
        (lambda e: e["inclusionProof"]["hashes"].extend(["AA=="] * 60), "it is too long"),
        (lambda e: e["inclusionProof"]["hashes"].extend(["AA=="] * 99), "not what they should"),
        (lambda e: e["inclusionProof"].update(logIndex="0"), "wrong"),
        (lambda e: e["inclusionProof"].update(logIndex="99"), "no such place"),
        (lambda e: e["inclusionProof"].update(treeSize="9"), "for another tree"),
        (lambda e: e["inclusionProof"].update(rootHash=encoded(bytes(32))), "for another tree"),
        (lambda e: e["inclusionProof"]["checkpoint"].update(envelope="x"), "not a signed note"),
        (lambda e: e["inclusionProof"]["checkpoint"].update(
            envelope=e["inclusionProof"]["checkpoint"]["envelope"].replace("log.", "lag.", 1)),
         "not signed by a known log"),
        (lambda e: e["inclusionPromise"].update(signedEntryTimestamp="AA=="), "not promised"),
        (lambda e: (e.pop("inclusionPromise"), e.pop("inclusionProof")), "neither a promise"),
        (lambda e: e.update(integratedTime="1"), "not promised"),
        (lambda e: e.update(canonicalizedBody="e30="), "kind is missing"),
    ],
)  # fmt: skip
def test_bad_entries(tmp_path: Path, change: Callable[[dict[str, Any]], Any], said: str) -> None:
    log = Log()
    for number in range(5):
        log.add(b"%d" % number)
    fields = {"keyData": public(), "rekorPublicKeyData": encoded(log.public)}
    made = bundled(log=log)
    judge(tmp_path, made, **fields)
    judge(tmp_path, changed(made, lambda d: _entry(d).pop("inclusionPromise")), **fields)
    refused(tmp_path, changed(made, lambda d: change(_entry(d))), said, **fields)


def test_a_proof_without_a_checkpoint_proves_nothing(tmp_path: Path) -> None:
    """The first bundles had such: the promise counts then, and there must be one."""
    log = Log()
    fields = {"keyData": public(), "rekorPublicKeyData": encoded(log.public)}
    bare = changed(bundled(log=log), lambda d: _entry(d)["inclusionProof"].pop("checkpoint"))
    judge(tmp_path, bare, **fields)
    alone = changed(bare, lambda d: _entry(d).pop("inclusionPromise"))
    refused(tmp_path, alone, "neither a promise", **fields)


def test_an_entry_of_rekor_2(tmp_path: Path) -> None:
    """It is of what was signed, envelope or not, and has neither a promise nor a time."""
    log, text = Log(), bundle.statement(DIGEST, NAME)
    message = bundle.authenticated(bundle.STATEMENT, text)
    signature = keys.sign(KEY, message)

    def body(digest: bytes, signer: Any = KEY) -> bytes:
        verifier = {"publicKey": {"rawBytes": encoded(keys.der(signer.public_key()))},
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256"}  # fmt: skip
        spec = {
            "data": {"algorithm": "SHA2_256", "digest": encoded(digest)},
            "signature": {"content": encoded(signature), "verifier": verifier},
        }
        document = {"apiVersion": "0.0.2", "kind": "hashedrekord",
                    "spec": {"hashedRekordV002": spec}}  # fmt: skip
        return json.dumps(document).encode()

    def made(content: bytes) -> bytes:
        entry = log.add(content).replace(promise=b"", time=0)
        packed = Sigstore(BUNDLE, bundle.write(text, signature, entries=(entry,))).packed()
        return changed(packed, lambda d: _entry(d).pop("inclusionPromise"))

    fields = {"keyData": public(), "rekorPublicKeyData": encoded(log.public)}
    right = hashlib.sha256(message).digest()
    judge(tmp_path, made(body(right)), **fields)
    refused(tmp_path, made(body(hashlib.sha256(text).digest())), "of another content", **fields)
    refused(tmp_path, made(body(right, OTHER)), "another key", **fields)
    refused(tmp_path, made(body(right).replace(b"0.0.2", b"0.0.9")), "of kind", **fields)


def test_every_proof_of_a_log() -> None:
    log = Log()
    entries = [log.add(b"%d" % number) for number in range(21)]
    logs = (log.key.public_key(),)
    for entry in entries:
        rekor.check(entry, logs)
        rekor.check(entry.replace(proof=log.proof(entry.index)), logs)
        wrong: Proof = log.proof((entry.index + 1) % 21)
        with pytest.raises(RundletError, match="proof is wrong"):
            rekor.check(entry.replace(proof=wrong), logs)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(mediaType="x"), "of type 'x'"),
        (lambda d: d.update(messageSignature={}), "expected one of"),
        (lambda d: d.pop("dsseEnvelope"), "expected one of"),
        (lambda d: d["dsseEnvelope"].update(payloadType="text/plain"), "not an in-toto statement"),
        (lambda d: d["dsseEnvelope"]["signatures"].append({"sig": "AA=="}), "found 2"),
        (lambda d: d["verificationMaterial"].update(tlogEntries=[{}] * 20), "log entries are not"),
        (lambda d: d["verificationMaterial"].update(certificate=3), "certificate.rawBytes"),
        (lambda d: d["dsseEnvelope"].update(payload=encoded(
            base64.b64decode(d["dsseEnvelope"]["payload"]).replace(
                b"cosign/sign/v1", b"cosign/other/v1"))), "no signature of the image"),
        (lambda d: d["dsseEnvelope"].update(payload=encoded(b'{"_type":"x"}')), "is of type 'x'"),
    ],
)  # fmt: skip
def test_forged_bundles(tmp_path: Path, change: Callable[[dict[str, Any]], Any], said: str) -> None:
    refused(tmp_path, changed(bundled(), change), said, keyData=public())


def test_an_attestation_is_no_signature(tmp_path: Path) -> None:
    """It is by the right key and about the image, but says another thing of it."""
    text = bundle.statement(DIGEST, NAME).replace(b"sigstore.dev/cosign/sign/v1", b"spdx.dev/x")
    signature = keys.sign(KEY, bundle.authenticated(bundle.STATEMENT, text))
    made = Sigstore(BUNDLE, bundle.write(text, signature)).packed()
    refused(tmp_path, made, "no signature of the image", keyData=public())


def test_a_signature_of_the_manifest_itself(tmp_path: Path) -> None:
    def plain(document: dict[str, Any]) -> None:
        del document["dsseEnvelope"]
        document["messageSignature"] = {
            "messageDigest": {
                "algorithm": "SHA2_256",
                "digest": encoded(bytes.fromhex(DIGEST.partition(":")[2])),
            },
            "signature": encoded(keys.sign(KEY, MANIFEST)),
        }

    made = changed(bundled(), plain)
    refused(tmp_path, made, "it names no image", keyData=public())
    anything = {"signedIdentity": {"type": "matchDigest"}}
    judge(tmp_path, made, keyData=public(), **anything)
    with pytest.raises(SignatureDenied, match="not a signature by a known key"):
        judge(tmp_path, made, b"{}", keyData=public(), **anything)
