"""`rundlet artifact` as its users have it, beside a real registry and Debian's skopeo."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools.registry import Registry

NAME = "localhost/team/models:1"


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "weights.bin").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "notes.md").write_text("# Notes\n")
    return [str(tmp_path / "weights.bin"), str(tmp_path / "notes.md")]


def blobs(rundlet: Any) -> set[str]:
    return {path.name for path in (rundlet.directory / "root/artifacts/blobs/sha256").iterdir()}


def refused(rundlet: Any, *words: str) -> str:
    done = rundlet("artifact", *words, check=False)
    assert done.returncode == 125, done.stderr
    assert "Traceback" not in done.stderr
    return str(done.stderr)


def test_made_listed_and_taken_out(rundlet: Any, files: list[str], tmp_path: Path) -> None:
    digest = rundlet("artifact", "add", "--type", "application/x-model", "--annotation",
                     "stage=test", NAME, *files).stdout.strip()  # fmt: skip
    found = json.loads(rundlet("artifact", "inspect", NAME).stdout)
    assert (found["Name"], found["Digest"]) == (NAME, f"sha256:{digest}")
    manifest = found["Manifest"]
    assert manifest["artifactType"] == "application/x-model"
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    created = manifest["annotations"].pop("org.opencontainers.image.created")
    assert created.endswith("Z") and manifest["annotations"] == {"stage": "test"}
    assert [layer["mediaType"] for layer in manifest["layers"]] == [
        "application/octet-stream",
        "text/plain; charset=utf-8",
    ]
    assert manifest["layers"][0]["annotations"] == {
        "stage": "test",
        "org.opencontainers.image.title": "weights.bin",
    }
    listed = rundlet("artifact", "ls").stdout.splitlines()
    assert listed[0].split() == ["REPOSITORY", "TAG", "DIGEST", "CREATED", "SIZE"]
    assert listed[1].split()[:3] == ["localhost/team/models", "1", digest[:12]]
    assert listed[1].split()[-1] == "25.61kB"
    assert rundlet("artifact", "ls", "-q", "--no-trunc").stdout.strip() == digest
    form = "{{.Repository}} {{.VirtualSize}}"
    assert rundlet("artifact", "ls", "--format", form).stdout == "localhost/team/models 25608\n"
    total = rundlet("artifact", "inspect", digest[:10], "-f", "{{.TotalSizeBytes}}").stdout
    assert total == "25608\n"
    form = "{{.Manifest.ArtifactType}} {{.Manifest.Config.Size}} {{len .Manifest.Layers}}"
    shown = rundlet("artifact", "inspect", f"{NAME[:-2]}@sha256:{digest}", "-f", form).stdout
    assert shown == "application/x-model 2 2\n"

    into = tmp_path / "into"
    into.mkdir()
    rundlet("artifact", "extract", NAME, str(into))
    for file in files:
        assert (into / Path(file).name).read_bytes() == Path(file).read_bytes()
    one = tmp_path / "one"
    rundlet("artifact", "extract", "--title", "notes.md", NAME, str(one))
    assert one.read_text() == "# Notes\n"
    by_digest = manifest["layers"][1]["digest"]
    rundlet("artifact", "extract", "--digest", by_digest, digest, str(into))
    assert (into / by_digest.replace(":", "-")).read_text() == "# Notes\n"
    assert "several blobs" in refused(rundlet, "extract", NAME, str(tmp_path / "none"))
    assert "no blob with the title" in refused(rundlet, "extract", "--title", "x", NAME, str(into))

    assert rundlet("artifact", "rm", digest[:12]).stdout.strip() == digest
    assert not blobs(rundlet)
    assert rundlet("artifact", "ls", "--noheading").stdout == ""


def test_append_and_replace(rundlet: Any, files: list[str], tmp_path: Path) -> None:
    first = rundlet("artifact", "add", NAME, files[0]).stdout.strip()
    made = json.loads(rundlet("artifact", "inspect", NAME).stdout)["Manifest"]["annotations"]
    assert "already exists" in refused(rundlet, "add", NAME, files[1])
    assert "already exists in artifact" in refused(rundlet, "add", "--append", NAME, files[0])
    second = rundlet("artifact", "add", "--append", "--file-type", "text/markdown", NAME,
                     files[1]).stdout.strip()  # fmt: skip
    manifest = json.loads(rundlet("artifact", "inspect", NAME).stdout)["Manifest"]
    assert manifest["layers"][1]["mediaType"] == "text/markdown"
    assert manifest["annotations"] == made
    assert first not in blobs(rundlet) and second in blobs(rundlet)
    rundlet("artifact", "add", "--replace", NAME, files[1])
    kept = hashlib.sha256(Path(files[0]).read_bytes()).hexdigest()
    assert kept not in blobs(rundlet)
    for words, said in (
        (("add", "--append", "--type", "a/b", NAME, files[0]), "not compatible"),
        (("add", "--append", "localhost/none:1", files[0]), "artifact does not exist"),
        (("add", "short", files[0]), "whole name"),
        (("add", "localhost/dir:1", str(tmp_path)), "no regular file"),
        (("add", "localhost/none:1", str(tmp_path / "missing")), "No such file"),
        (("add", "--annotation", "org.opencontainers.image.title=x", "localhost/t:1", *files),
         "x: file already exists in artifact"),
        (("add", f"localhost/t@sha256:{first}", files[0]), "digest follows from its files"),
        (("rm", "localhost/none:1"), "artifact does not exist"),
        (("inspect", "localhost/none:1"), "artifact does not exist"),
        (("rm",), "must be specified"),
        (("rm", "--all", NAME), "may not pass"),
    ):  # fmt: skip
        assert said in refused(rundlet, *words), words
    assert rundlet("artifact", "rm", "--ignore", "localhost/none:1").stdout == ""
    title = ("--annotation", "org.opencontainers.image.title=x")
    rundlet("artifact", "add", *title, "localhost/titled:1", files[0])
    rundlet("artifact", "extract", "localhost/titled:1", str(tmp_path))
    assert (tmp_path / "x").read_bytes() == Path(files[0]).read_bytes()


def test_through_a_registry(
    rundlet: Any, registry: Registry, files: list[str], tmp_path: Path
) -> None:
    name = f"{registry.host}/artifacts/{tmp_path.name.lower()}:1"
    digest = rundlet("artifact", "add", "--type", "application/x-model", NAME, *files).stdout
    rundlet("artifact", "push", "-q", "--digestfile", str(tmp_path / "digest"), NAME, name)
    assert (tmp_path / "digest").read_text() == f"sha256:{digest.strip()}"
    theirs = subprocess.run(
        ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}"],
        capture_output=True,
        check=True,
    ).stdout
    assert hashlib.sha256(theirs).hexdigest() == digest.strip()
    rundlet("artifact", "rm", "--all")
    assert rundlet("artifact", "pull", "-q", name).stdout == digest
    rundlet("artifact", "extract", "--title", "notes.md", name, str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "# Notes\n"
    assert "manifest unknown" in refused(rundlet, "pull", f"{registry.host}/artifacts/none:1")
    shown = ("events", "--stream=false", "--filter", "type=artifact", "--format")
    told = rundlet(*shown, "{{.Status}} {{.Name}}").stdout.splitlines()
    assert told == [f"create {NAME}", f"push {name}", f"remove {NAME}", f"pull {name}"]


def test_decrypted_when_pulled(
    rundlet: Any, registry: Registry, busybox_archive: Path, tmp_path: Path
) -> None:
    """Made with `push`, for an artifact is whatever a registry has under a name."""
    name = f"{registry.host}/artifacts/{tmp_path.name.lower()}:1"
    key = tmp_path / "key.pem"
    pair = ("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    subprocess.run([*pair, "-out", str(key)], check=True)
    public = ("openssl", "pkey", "-in", str(key), "-pubout", "-out", str(tmp_path / "key.pub"))
    subprocess.run(public, check=True)
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("push", "-q", "--encryption-key", f"jwe:{tmp_path}/key.pub", "busybox", name)
    rundlet("artifact", "pull", "-q", name)
    (sealed,) = json.loads(rundlet("artifact", "inspect", name).stdout)["Manifest"]["layers"]
    assert sealed["mediaType"].endswith("+encrypted")
    rundlet("artifact", "pull", "-q", "--decryption-key", str(key), name)
    (layer,) = json.loads(rundlet("artifact", "inspect", name).stdout)["Manifest"]["layers"]
    assert not layer["mediaType"].endswith("+encrypted")
    assert sealed["digest"].partition(":")[2] not in blobs(rundlet)
    assert layer["digest"].partition(":")[2] in blobs(rundlet)


def test_titles_that_lead_elsewhere(rundlet: Any, files: list[str], tmp_path: Path) -> None:
    """Whoever made an artifact does not choose where its files go."""
    rundlet("artifact", "add", NAME, files[1])
    layout = rundlet.directory / "root/artifacts"
    index = json.loads((layout / "index.json").read_text())
    old = layout / "blobs/sha256" / index["manifests"][0]["digest"].partition(":")[2]
    changed = old.read_bytes().replace(b'"notes.md"', b'"../notes.md"')
    digest = hashlib.sha256(changed).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(changed)
    index["manifests"][0].update(digest=f"sha256:{digest}", size=len(changed))
    (layout / "index.json").write_text(json.dumps(index))
    into = tmp_path / "a/b"
    into.mkdir(parents=True)
    assert "no name of a file" in refused(rundlet, "extract", NAME, str(into))
    assert not list((tmp_path / "a").glob("*.md"))
    note = hashlib.sha256(b"# Notes\n").hexdigest()
    (layout / "blobs/sha256" / note).write_bytes(b"# Faked\n")
    assert "digest" in refused(rundlet, "extract", NAME, str(tmp_path / "faked"))
    assert not (tmp_path / "faked").exists()


def test_mounted(rundlet: Any, files: list[str], busybox_archive: Path) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("artifact", "add", NAME, *files)
    run = ("run", "--rm", "--network", "none", "--mount")
    image = rundlet("images", "-q").stdout.split()[0]
    several = rundlet(*run, f"type=artifact,src={NAME},dst=/models", image, "ls", "/models").stdout
    assert several.split() == ["notes.md", "weights.bin"]
    one = f"type=artifact,src={NAME},dst=/n,title=notes.md"
    assert rundlet(*run, one, image, "cat", "/n").stdout == "# Notes\n"
    named = f"type=artifact,src={NAME},dst=/tmp,title=notes.md,name=x"
    assert rundlet(*run, named, image, "cat", "/tmp/x").stdout == "# Notes\n"
    written = rundlet(*run, one, image, "sh", "-c", "echo > /n", check=False)
    assert "Read-only" in written.stderr
