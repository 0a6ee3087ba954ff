"""policy.json: what is read, which requirements apply, and what they refuse
(containers-policy.json(5)).
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from devtools.gpg import Home
from rundlet.core.contracts.transport import Location
from rundlet.core.errors import DeniedByPolicy, SettingsError, SignatureDenied
from rundlet.core.images.digests import digest_of
from rundlet.core.transports.directory import DirectoryTransport
from rundlet.core.transports.docker.transport import DockerTransport
from rundlet.core.transports.docker_archive import DockerArchiveTransport
from rundlet.core.transports.oci import OciTransport
from rundlet.core.trust import gpg, simple
from rundlet.core.trust.check import allow, claims
from rundlet.core.trust.policy import ANYTHING, Identity, load
from rundlet.core.trust.scopes import identity, scopes
from rundlet.core.trust.sigstore import keys

ACCEPT, REJECT = {"type": "insecureAcceptAnything"}, {"type": "reject"}
SIGNED = {"type": "signedBy", "keyType": "GPGKeys"}
MANIFEST = b'{"schemaVersion": 2}'
NAME = "example.com/team/app:1"
IMAGE = DockerTransport().parse(f"//{NAME}")


def policy(path: Path, **parts: Any) -> Any:
    """Write a policy and load it."""
    (path / "policy.json").write_text(json.dumps({"default": [REJECT], **parts}))
    return load(str(path / "policy.json"))


def test_scopes_of_a_registry() -> None:
    location = DockerTransport().parse("//a.b.example.com:5000/team/sub/app:1")
    assert scopes(location) == (
        "a.b.example.com:5000/team/sub/app:1",
        "a.b.example.com:5000/team/sub/app",
        "a.b.example.com:5000/team/sub",
        "a.b.example.com:5000/team",
        "a.b.example.com:5000",
        "*.b.example.com:5000",
        "*.example.com:5000",
        "*.com:5000",
    )
    assert scopes(DockerTransport().parse("//busybox"))[0] == "docker.io/library/busybox:latest"


def test_scopes_of_paths(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    found = scopes(DirectoryTransport().parse(f"{tmp_path}/link/image"))
    assert found[:2] == (f"{tmp_path}/real/image", f"{tmp_path}/real")
    assert found[-1] == f"/{tmp_path.resolve().parts[1]}", "the root is no scope"
    found = scopes(OciTransport().parse(f"{tmp_path}/link:name:1"))
    assert found[:3] == (f"{tmp_path}/real:name:1", f"{tmp_path}/real", str(tmp_path))
    assert scopes(DockerArchiveTransport().parse(f"{tmp_path}/a.tar:x:1")) == ()


def test_the_most_specific_scope_counts(tmp_path: Path) -> None:
    found = policy(
        tmp_path,
        default=[ACCEPT],
        transports={
            "docker": {"": [REJECT], "example.com/team": [ACCEPT], NAME: [REJECT]},
            "dir": {str(tmp_path): [REJECT]},
        },
    )
    for name, good in (
        ("//example.com/team/app:2", True),
        ("//example.com/team/app:1", False),
        ("//example.com/other:1", False),
        ("//example.com/teamwork:1", False),
    ):
        if good:
            allow(found, DockerTransport().parse(name), MANIFEST, ())
            continue
        with pytest.raises(DeniedByPolicy, match="rejected by policy"):
            allow(found, DockerTransport().parse(name), MANIFEST, ())
    with pytest.raises(DeniedByPolicy, match=str(tmp_path)):
        allow(found, DirectoryTransport().parse(f"{tmp_path}/x"), MANIFEST, ())
    allow(found, DirectoryTransport().parse("/elsewhere"), MANIFEST, ())
    allow(found, Location("tarball", "x"), MANIFEST, ())
    allow(ANYTHING, IMAGE, MANIFEST, (b"nonsense",))


def test_signed_by(tmp_path: Path, home: Home) -> None:
    keys = gpg.Keys(home.directory)

    def signature(name: str, key: str = "one", data: bytes = MANIFEST) -> bytes:
        text = simple.payload(digest_of(data), name)
        return gpg.sign(text, home.fingerprint(key), keys=keys)

    (tmp_path / "one.pub").write_bytes(home.public("one"))
    data = base64.b64encode(home.public("one")).decode()
    for given in (
        {"keyPath": f"{tmp_path}/one.pub"},
        {"keyPaths": [f"{tmp_path}/one.pub"]},
        {"keyData": data},
    ):
        found = policy(tmp_path, transports={"docker": {"example.com": [{**SIGNED, **given}]}})
        allow(found, IMAGE, MANIFEST, [signature(NAME)])
        allow(found, IMAGE, MANIFEST, [b"nonsense", signature(NAME, "two"), signature(NAME)])
    for signatures, message in (
        ([], "A signature was required, but no signature exists"),
        ([signature(NAME, "two")], "not a valid one by a known key"),
        ([signature(NAME, data=b"other")], "it is of sha256:"),
        ([signature("example.com/team/app:2")], "its name example.com/team/app:2 is not accepted"),
        ([b"nonsense"], "not a valid one"),
        ([gpg.sign(b"{}", home.fingerprint("one"), keys=keys)], "its text is not what it should"),
    ):
        with pytest.raises(DeniedByPolicy, match=message):
            allow(found, IMAGE, MANIFEST, signatures)
    both = [{**SIGNED, "keyData": data}, REJECT]
    with pytest.raises(DeniedByPolicy, match="rejected"):
        allow(policy(tmp_path, default=both), IMAGE, MANIFEST, [signature(NAME)])
    missing = policy(tmp_path, default=[{**SIGNED, "keyPath": f"{tmp_path}/nothing"}])
    with pytest.raises(SettingsError, match="cannot read the key file"):
        allow(missing, IMAGE, MANIFEST, [signature(NAME)])


def test_what_is_reserved(tmp_path: Path) -> None:
    base = {"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}
    with pytest.raises(SignatureDenied, match="signedBaseLayer is reserved"):
        allow(policy(tmp_path, default=[base]), IMAGE, MANIFEST, ())
    base["baseLayerIdentity"] = {"type": "other"}
    with pytest.raises(SettingsError, match=r"baseLayerIdentity\.type: unknown identity"):
        policy(tmp_path, default=[base])


def test_what_nobody_signed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(keys.pem(keys.generate().public_key()))
    found = policy(tmp_path, default=[{"type": "sigstoreSigned", "keyPath": f"{tmp_path}/key"}])
    with pytest.raises(SignatureDenied, match="no signature exists"):
        allow(found, IMAGE, MANIFEST, ())


@pytest.mark.parametrize(
    ("kind", "values", "good", "bad"),
    [
        ("matchExact", (), NAME, "example.com/team/app:2"),
        ("matchRepoDigestOrExact", (), NAME, "example.com/team/app"),
        ("matchRepository", (), "example.com/team/app:9", "example.com/team/other:1"),
        ("exactReference", ("busybox:1",), "docker.io/library/busybox:1", NAME),
        ("exactRepository", ("busybox",), "docker.io/library/busybox:7", NAME),
        ("remapIdentity", ("example.com/team", "vendor.com"), "vendor.com/app:1", NAME),
        ("remapIdentity", ("example.com/te", "vendor.com"), NAME, "vendor.comam/app:1"),
    ],
)
def test_identities(kind: str, values: tuple[str, ...], good: str, bad: str) -> None:
    wanted = Identity(kind, values)
    assert claims(wanted, good, identity(IMAGE))
    assert not claims(wanted, bad, identity(IMAGE))
    assert not claims(wanted, "NO NAME", identity(IMAGE))
    if kind.startswith("match"):
        assert not claims(wanted, good, None), "dir: and oci: images have no name"


def test_a_name_with_a_digest() -> None:
    named = identity(DockerTransport().parse(f"//example.com/team/app@{digest_of(MANIFEST)}"))
    assert claims(Identity(), NAME, named)
    assert not claims(Identity(), "example.com/team/app", named)
    assert not claims(Identity(), "example.com/team/other:1", named)
    assert not claims(Identity("matchExact"), NAME, named)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "invalid trust policy"),
        ("[]", "expected an object"),
        ("{}", "default is missing"),
        ('{"default": []}', "default: expected a list of requirements"),
        ('{"default": [], "default": []}', "default is there twice"),
        ('{"default": [{"type": "reject"}], "transports": {"dir": {"/": []}}}', "an absolute path"),
        (
            '{"default": [{"type": "reject"}], "transports": {"oci": {"/a/": []}}}',
            "an absolute path",
        ),
        (
            '{"default": [{"type": "reject"}], "transports": {"docker-archive": {"/a": []}}}',
            "only the scope ''",
        ),
        ('{"default": [{"type": "reject"}], "more": 1}', "unknown field more"),
        ('{"default": [{"type": "reject", "more": 1}]}', "unknown field more"),
        ('{"default": [{"type": "what"}]}', "unknown requirement 'what'"),
        ('{"default": ["reject"]}', "unknown requirement None"),
        ('{"default": [{"type": "reject"}], "transports": {"docker": []}}', "expected an object"),
        ('{"default": [{"type": "signedBy"}]}', "keyType is missing"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "policy.json").write_text(text)
    with pytest.raises(SettingsError, match=message) as error:
        load(f"{tmp_path}/policy.json")
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "exactly one of keyPath"),
        ({"keyPath": "/a", "keyData": "YQ=="}, "exactly one of keyPath"),
        ({"keyPath": 1}, "expected text"),
        ({"keyPaths": []}, "expected text"),
        ({"keyData": "!"}, "not base64"),
        ({"keyPath": "/a", "keyType": "X509"}, "expected GPGKeys"),
        ({"keyPath": "/a", "signedIdentity": {"type": "any"}}, "unknown identity 'any'"),
        ({"keyPath": "/a", "signedIdentity": {"type": "matchExact", "x": 1}}, "unknown field x"),
        ({"keyPath": "/a", "signedIdentity": {"type": "exactReference"}}, "is missing"),
        (
            {"keyPath": "/a", "signedIdentity": {"type": "exactReference", "dockerReference": "a"}},
            "expected dockerReference",
        ),
        (
            {
                "keyPath": "/a",
                "signedIdentity": {"type": "exactRepository", "dockerRepository": "A"},
            },
            "lowercase",
        ),
    ],
)
def test_bad_requirements(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        policy(tmp_path, default=[{**SIGNED, **fields}])


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read the trust policy"):
        load(f"{tmp_path}/nothing")
