"""What a whole build may use, and what it leaves: policies, platforms, stages, names, SBOMs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools import gpg
from devtools.fixtures import needs
from rundlet.build.execute.sbom import PRESETS, ordered
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import UsageError

pytestmark = pytest.mark.e2e


def policy(path: Path, *rules: dict[str, Any]) -> tuple[str, str]:
    path.write_text(json.dumps({"rules": rules}))
    return ("--source-policy-file", str(path))


def rule(action: str, identifier: str, updated: str = "", match: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"action": action, "selector": {"identifier": identifier}}
    if match:
        found["selector"]["matchType"] = match
    return {**found, "updates": {"identifier": updated}} if updated else found


def test_source_policies(builder: Any, context: Path, tmp_path: Path) -> None:
    (context / "Containerfile").write_text("FROM nosuch\nRUN echo > /made\n")
    local = "docker-image://localhost/busybox:latest"
    converted = rule("CONVERT", "docker-image://docker.io/library/nosuch", local, "EXACT")
    wild = rule("CONVERT", "docker-image://docker.io/library/no*", local)
    file = tmp_path / "policy.json"
    never = ("--pull-never", str(context))
    failed = builder("build", *policy(file, converted), *never, check=False)
    assert failed.returncode == 125, "names have their tags when they are compared"
    builder("build", *policy(file, wild), "--network", "none", str(context))
    (context / "Containerfile").write_text(
        "FROM scratch\nCOPY --from=localhost/busybox /bin/sh /sh\n"
    )
    allowed = rule("ALLOW", local, match="EXACT")
    denied = rule("DENY", "docker-image://localhost/*")
    builder("build", *policy(file, allowed, denied), str(context))
    failed = builder("build", *policy(file, denied, allowed), str(context), check=False)
    assert failed.returncode == 125
    assert f"{context}/Containerfile:2: source {local} is denied by {file}" in failed.stderr
    (context / "Containerfile").write_text("FROM scratch\nADD https://example.com/x /x\n")
    failed = builder("build", *policy(file, rule("DENY", "https://*")), str(context), check=False)
    assert "source https://example.com/x is denied" in failed.stderr
    for bad in ("[", '{"rules": [{"action": "MAYBE", "selector": {"identifier": "x"}}]}'):
        file.write_text(bad)
        failed = builder("build", "--source-policy-file", str(file), str(context), check=False)
        assert failed.returncode == 125 and str(file) in failed.stderr


def test_all_platforms(builder: Any, context: Path, registry: Any) -> None:
    (context / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /f\n")
    builder("build", "--platform", "linux/amd64,linux/arm64", "--manifest", "two", str(context))
    builder("build", "--platform", "linux/amd64,linux/s390x", "--manifest", "other", str(context))
    name = f"{registry.host}/two:latest"
    builder("manifest", "push", "--tls-verify=false", "two", f"docker://{name}")
    (context / "Containerfile").write_text(f"FROM {name}\nCOPY Containerfile /g\n")
    words = ("--all-platforms", "--tls-verify=false", "--manifest", "built")
    builder("build", *words, str(context))
    index = json.loads(builder("manifest", "inspect", "built").stdout)
    found = [one["platform"]["architecture"] for one in index["manifests"]]
    assert found == ["amd64", "arm64"]
    (context / "Containerfile").write_text(
        f"FROM {name} AS a\nFROM localhost/other\nCOPY --from=a /f /g\n"
    )
    builder("build", "--all-platforms", "--tls-verify=false", "--manifest", "both", str(context))
    index = json.loads(builder("manifest", "inspect", "both").stdout)
    assert [one["platform"]["architecture"] for one in index["manifests"]] == ["amd64"]
    (context / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /g\n")
    failed = builder("build", "--all-platforms", str(context), check=False)
    assert failed.returncode == 125 and "none but scratch" in failed.stderr


def test_saved_stages(builder: Any, context: Path) -> None:
    (context / "Containerfile").write_text(
        "FROM localhost/busybox AS one\nRUN echo > /one\nFROM one\nRUN echo > /two\n"
    )
    builder("build", "--save-stages", "--stage-labels", "-t", "last", str(context))
    with builder.engine() as engine:
        images = {one.id: json.loads(one.labels) for one in engine.images.list()}
    found = {labels.get("io.buildah.stage.name"): labels for labels in images.values()}
    assert found["one"]["io.buildah.stage.base"] == "localhost/busybox:latest"
    (saved,) = (key for key, labels in images.items() if labels is found["one"])
    assert found["1"]["io.buildah.stage.base"] == saved
    listed = builder("images", "-f", "label=io.buildah.stage.name=one", "-q", "--no-trunc")
    assert listed.stdout.split() == [saved]
    failed = builder("build", "--stage-labels", str(context), check=False)
    assert failed.returncode == 125 and "requires --save-stages" in failed.stderr


def test_ids_and_names_elsewhere(builder: Any, context: Path, tmp_path: Path) -> None:
    needs("skopeo")
    (context / "Containerfile").write_text("FROM localhost/busybox\nLABEL a=b\n")
    archive = f"oci-archive:{tmp_path}/image.tar"
    files = ("--iidfile", f"{tmp_path}/id", "--iidfile-raw", f"{tmp_path}/raw")
    zstd = ("--compression-format", "zstd")
    identity = builder.build(context, "-t", archive, "-t", "here", *files, *zstd)
    assert (tmp_path / "id").read_text() == f"sha256:{identity}"
    assert (tmp_path / "raw").read_text() == identity
    raw = subprocess.run(
        ["skopeo", "inspect", "--raw", archive], capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(raw)["layers"][0]["mediaType"].endswith("+zstd")
    assert builder("images", "-q", "--no-trunc", "here").stdout.strip() == identity
    several = ("--platform", "linux/amd64", "--platform", "linux/arm64")
    failed = builder("build", *several, *files, str(context), check=False)
    assert failed.returncode == 125 and "can only be used to store one image ID" in failed.stderr


def test_signed_where_they_are_pushed(
    builder: Any, context: Path, registry: Any, tmp_path: Path
) -> None:
    needs("gpg", "skopeo")
    home = tmp_path / "gnupg"
    home.mkdir(0o700)
    keys = gpg.Home(str(home))
    (tmp_path / "registries.d").mkdir()
    (tmp_path / "registries.d/here.yaml").write_text(
        f"docker:\n  {registry.host}:\n    lookaside: file://{tmp_path}/sigstore\n"
    )
    env = {"GNUPGHOME": str(home), "RUNDLET_REGISTRIES_D": str(tmp_path / "registries.d")}
    (context / "Containerfile").write_text("FROM localhost/busybox\nLABEL a=b\n")
    name = f"{registry.host}/signed"
    words = ("--sign-by", keys.fingerprint("one"), "--tls-verify=false")
    builder("build", *words, "-t", f"docker://{name}:built", str(context), env=env)
    builder("from", "--name", "w", "busybox")
    builder("commit", *words, "w", f"docker://{name}:committed", env=env)
    builder("rm", "w")
    builder("build", "--sign-by", keys.fingerprint("one"), "-t", f"{name}:pushed", str(context),
            env=env)  # fmt: skip
    builder("push", "--tls-verify=false", f"{name}:pushed", env=env)
    builder("push", *words, "busybox", f"docker://{name}:again", env=env)
    builder("manifest", "create", "list", f"{name}:pushed")
    builder("manifest", "push", *words, "list", f"docker://{name}:list", env=env)
    (tmp_path / "key.gpg").write_bytes(keys.public("one"))
    trusted = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": f"{tmp_path}/key.gpg"}
    document = {"default": [{"type": "reject"}], "transports": {"docker": {name: [trusted]}}}
    (tmp_path / "policy.json").write_text(json.dumps(document))
    for tag in ("built", "committed", "pushed", "again", "list"):
        source = f"docker://{name}:{tag}"
        places = (
            "--registries.d",
            f"{tmp_path}/registries.d",
            "--policy",
            f"{tmp_path}/policy.json",
        )
        subprocess.run(
            ["skopeo", *places, "copy", "--all", "-q", "--src-tls-verify=false", source,
             f"dir:{tmp_path}/{tag}"],
            check=True,
        )  # fmt: skip


SCANNER = r"""FROM localhost/busybox
COPY scan /scan
"""
SCRIPT = r"""#!/bin/sh
test "$1" = fail && exit 3
first=$(ls "$1" | head -n 1)
one="{\"name\":\"$first\",\"version\":\"1\",\"purl\":\"pkg:x/$first@1\"}"
echo "{\"bomFormat\":\"CycloneDX\",\"components\":[{\"name\":\"common\"},$one]}" > "$2"
"""


def test_sbom(builder: Any, context: Path, tmp_path: Path) -> None:
    (context / "scan").write_text(SCRIPT)
    (context / "scan").chmod(0o755)
    (context / "Containerfile").write_text(SCANNER)
    builder("build", "-t", "scanner", str(context))
    (context / "Containerfile").write_text("FROM localhost/busybox\nLABEL a=b\n")
    scan = ("--sbom-scanner-image", "scanner", "--sbom-scanner-command", "/scan {ROOTFS} {OUTPUT}")
    both = (*scan, "--sbom-scanner-command", "/scan {CONTEXT} {OUTPUT}", "--sbom-merge-strategy",
            "merge-cyclonedx-by-component-name-and-version")  # fmt: skip
    files = ("--sbom-output", f"{tmp_path}/sbom", "--sbom-purl-output", f"{tmp_path}/purls")
    inside = ("--sbom-image-output", "/root/sbom", "--sbom-image-purl-output", "/new/purls")
    for layers in ("--layers", "--squash"):
        identity = builder.build(context, layers, *both, *files, *inside, "--timestamp", "60")
        document = json.loads((tmp_path / "sbom").read_text())
        names = [one["name"] for one in document["components"]]
        assert names == ["common", "bin", "Containerfile"]
        assert (tmp_path / "purls").read_text() == "pkg:x/Containerfile@1\npkg:x/bin@1\n"
        tree = builder.files(identity)
        assert tree["root/sbom"].split()[:2] == ["-rw-r--r--", "0:0"] and "new/purls" in tree
        known = builder.config(identity)
        empty = [one for one in known["history"] if not one.get("empty_layer")]
        assert len(known["rootfs"]["diff_ids"]) == len(empty)
    failed = builder("build", "--sbom-scanner-image", "scanner", "--sbom-scanner-command",
                     "/scan fail {OUTPUT}", *files, str(context), check=False)  # fmt: skip
    assert failed.returncode == 125 and "exit status 3" in failed.stderr
    builder("from", "--name", "w", "busybox")
    builder("commit", "-q", *scan, *inside, "--add-file", f"{tmp_path}/purls:/added", "w", "noted")
    assert {"root/sbom", "new/purls", "added"} <= set(builder.files("noted"))
    builder("rm", "w")


def test_presets_of_sboms() -> None:
    words = dict.fromkeys(
        ("scanner-image", "merge-strategy", "output", "purl-output", "image-output",
         "image-purl-output"), ""
    )  # fmt: skip
    assert ordered("", words, ()) is None
    for preset in PRESETS:
        made = ordered(preset, {**words, "output": "x"}, ())
        assert made is not None and [one.count("{OUTPUT}") for one in made.commands] == [1, 1]
        assert "{CONTEXT}" in made.commands[1] and "{FORMAT}" not in made.commands[0]
    for preset, more, commands in (
        ("syft", {}, ()),
        ("nosuch", {"output": "x"}, ()),
        ("", {"output": "x"}, ("a",)),
        ("", {"output": "x", "scanner-image": "y"}, ("a", "b")),
    ):
        with pytest.raises(UsageError):
            ordered(preset, {**words, **more}, commands)


def test_encrypted_bases(builder: Any, context: Path, registry: Any, tmp_path: Path) -> None:
    secret, public = tmp_path / "key.pem", tmp_path / "key.pub"
    subprocess.run(["openssl", "genrsa", "-out", str(secret), "2048"], check=True,
                   capture_output=True)  # fmt: skip
    subprocess.run(["openssl", "rsa", "-in", str(secret), "-pubout", "-out", str(public)],
                   check=True, capture_output=True)  # fmt: skip
    name = f"{registry.host}/sealed"
    push = ("push", "--tls-verify=false", "--encryption-key", f"jwe:{public}")
    builder(*push, "busybox", f"docker://{name}")
    (context / "Containerfile").write_text(f"FROM {name}\nRUN true\n")
    words = ("--tls-verify=false", "--network", "none")
    failed = builder("build", *words, str(context), check=False)
    assert failed.returncode == 125 and "encrypted" in failed.stderr
    builder("build", *words, "--decryption-key", str(secret), str(context))
    builder("rmi", "-f", name)
    made = builder("from", "--tls-verify=false", "--decryption-key", str(secret), name).stdout
    builder("rm", made.strip())


def test_squash_is_the_tools_own(builder: Any, context: Path) -> None:
    (context / "Containerfile").write_text("FROM localhost/busybox\nRUN echo > /a\nRUN rm /a\n")
    rundlet = [str(Path(builder.command[0]).with_name("rundlet")), *builder.places]
    words = [*rundlet, "build", "--squash", "-q", "--network", "none", str(context)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert len(builder.config(done.stdout.strip())["rootfs"]["diff_ids"]) == 2
    whole = builder.build(context, "--squash", "--source-date-epoch", "60")
    document = builder.config(whole)
    assert len(document["rootfs"]["diff_ids"]) == len(document["history"]) == 1
    with builder.engine() as engine:
        root = Path(engine.images.mount(whole))
        assert (root / "bin").stat().st_mtime == 60
        engine.images.unmount(whole, force=True)
        assert engine.images.push(whole, f"dir:{context}/dir", settings=TransportSettings())
