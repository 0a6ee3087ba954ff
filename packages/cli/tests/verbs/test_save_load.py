"""`rundlet save` and `load` against Debian's skopeo and podman, both ways."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devtools.peers import Podman, skopeo
from devtools.served import served

if TYPE_CHECKING:
    from devtools.tool import Rundlet

FORMATS = {
    "docker-archive": "docker-archive:{}",
    "oci-archive": "oci-archive:{}",
    "oci-dir": "oci:{}",
    "docker-dir": "dir:{}",
}
NAME = "localhost/busybox:latest"


@pytest.fixture
def loaded(rundlet: Rundlet, busybox_archive: Path) -> Rundlet:
    done = rundlet("load", "-q", "-i", str(busybox_archive))
    assert done.stdout == f"Loaded image: {NAME}\n"
    return rundlet


def _id(tool: Rundlet | Podman) -> str:
    return tool("images", "-q", "--no-trunc").stdout.strip()


def _manifest(path: Path) -> list[dict[str, Any]]:
    with tarfile.open(path) as archive:
        file = archive.extractfile("manifest.json")
        assert file is not None
        document: list[dict[str, Any]] = json.load(file)
        return document


@pytest.mark.parametrize("form", FORMATS)
def test_skopeo_and_podman_read_what_was_saved(
    loaded: Rundlet, podman: Podman, tmp_path: Path, form: str
) -> None:
    output = tmp_path / "out"
    loaded("save", "-q", "--format", form, "-o", str(output), "busybox")
    where = FORMATS[form].format(output)
    assert json.loads(skopeo("inspect", "--config", where))["config"]["Cmd"] == ["sh"]
    skopeo("copy", "-q", where, f"dir:{tmp_path}/all-bytes-are-right")
    podman("load", "-q", "-i", str(output))
    assert _id(podman) == _id(loaded)


@pytest.mark.parametrize("form", FORMATS)
def test_load_what_podman_saved(
    rundlet: Rundlet, podman: Podman, busybox_archive: Path, tmp_path: Path, form: str
) -> None:
    podman("load", "-q", "-i", str(busybox_archive))
    podman("save", "-q", "--format", form, "-o", str(tmp_path / "out"), "busybox")
    done = rundlet("load", "-q", "-i", str(tmp_path / "out"))
    assert _id(rundlet) == _id(podman)
    if form == "docker-dir":  # it keeps no name
        assert done.stdout == f"Loaded image: {_id(podman)}\n"
    else:
        assert done.stdout == f"Loaded image: {NAME}\n"


def test_more_words_are_tags(loaded: Rundlet, podman: Podman, tmp_path: Path) -> None:
    output = tmp_path / "a.tar"
    loaded("save", "-q", "-o", str(output), "busybox", "extra:tag")
    (image,) = _manifest(output)
    assert sorted(image["RepoTags"]) == [NAME, "localhost/extra:tag"]
    said = podman("load", "-q", "-i", str(output)).stdout.splitlines()
    assert sorted(said) == [f"Loaded image: {NAME}", "Loaded image: localhost/extra:tag"]


def test_several_images(loaded: Rundlet, podman: Podman, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    subprocess.run(["tar", "-C", tmp_path, "-cf", tmp_path / "root.tar", "file"], check=True)
    loaded("import", "-q", str(tmp_path / "root.tar"), "other")
    output = tmp_path / "a.tar"
    loaded("save", "-q", "-m", "-o", str(output), "busybox", "other")
    assert len(_manifest(output)) == 2
    said = podman("load", "-q", "-i", str(output)).stdout.splitlines()
    assert sorted(said) == [f"Loaded image: {NAME}", "Loaded image: localhost/other:latest"]
    loaded("rmi", "-a")
    assert loaded("load", "-q", "-i", str(output)).stdout.splitlines() == said
    one_only = loaded(
        "save", "-m", "--format", "oci-archive", "-o", "x", "busybox", "other", check=False
    )
    assert one_only.returncode == 125
    assert "one image" in one_only.stderr


def test_by_id_without_a_name(loaded: Rundlet, tmp_path: Path) -> None:
    identity = loaded("images", "-q").stdout.strip()
    loaded("save", "-q", "-o", str(tmp_path / "a.tar"), identity)
    (image,) = _manifest(tmp_path / "a.tar")
    assert not image["RepoTags"]
    whole = _id(loaded)
    loaded("rmi", "busybox")
    assert loaded("load", "-q", "-i", str(tmp_path / "a.tar")).stdout == f"Loaded image: {whole}\n"


def test_an_archive_that_is_run_gives_its_names(loaded: Rundlet, tmp_path: Path) -> None:
    form = "{{.Repository}}:{{.Tag}}\n"
    for number, kind in enumerate(("docker-archive", "oci-archive")):
        loaded("tag", "busybox", f"kept:{number}")
        loaded("save", "-q", "--format", kind, "-o", str(tmp_path / kind), f"kept:{number}")
        loaded("rmi", f"kept:{number}")
        loaded("run", "--rm", "--network=none", f"{kind}:{tmp_path}/{kind}", "true")
        assert f"localhost/kept:{number}" in loaded("images", "--format", form).stdout


def test_from_a_url(loaded: Rundlet, tmp_path: Path) -> None:
    loaded("save", "-q", "-o", str(tmp_path / "a.tar"), "busybox")
    loaded("rmi", "busybox")
    with served(tmp_path) as url:
        assert "Loaded image: " in loaded("load", "-q", "-i", f"{url}/a.tar").stdout
        missing = loaded("load", "-i", f"{url}/nosuch.tar", check=False)
    assert (missing.returncode, "nosuch.tar" in missing.stderr) == (125, True)
    assert loaded("run", "--rm", "--network=none", "busybox", "echo", "hi").stdout == "hi\n"


def test_through_pipes(loaded: Rundlet, tmp_path: Path) -> None:
    """podman save | gzip | podman load, with ours."""
    whole = _id(loaded)
    saved = subprocess.run(
        ["rundlet", "save", "-q", "busybox"],
        env=loaded.environment,
        capture_output=True,
        check=True,
    ).stdout
    for data in (saved, gzip.compress(saved)):
        loaded("rmi", "busybox")
        done = subprocess.run(
            ["rundlet", "load", "-q"],
            env=loaded.environment,
            input=data,
            capture_output=True,
            check=True,
        )
        assert done.stdout.decode() == f"Loaded image: {NAME}\n"
        assert _id(loaded) == whole
    leftovers = tmp_path / "root" / "tmp"
    assert not [path for path in leftovers.glob("*") if path.name.startswith(("tmp", "standard"))]


def test_a_terminal_is_refused(loaded: Rundlet) -> None:
    main, terminal = pty.openpty()
    try:
        for words in (["save", "busybox"], ["load"]):
            done = subprocess.run(
                ["rundlet", *words],
                env=loaded.environment,
                stdin=terminal,
                stdout=terminal,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
            assert done.returncode == 125
            assert "terminal" in done.stderr
    finally:
        os.close(main)
        os.close(terminal)


def test_uncompressed_layers(rundlet: Rundlet, tmp_path: Path, busybox_archive: Path) -> None:
    """A docker archive's layers are plain: they are written so where that is asked for."""
    plain = tmp_path / "plain.tar"
    skopeo("copy", "-q", f"oci-archive:{busybox_archive}", f"docker-archive:{plain}:{NAME}")
    rundlet("load", "-q", "-i", str(plain))
    kinds = {}
    for name, words in (("kept", ["--uncompressed"]), ("ordinary", [])):
        rundlet("save", "-q", *words, "--format", "oci-dir", "-o", str(tmp_path / name), "busybox")
        document = json.loads(skopeo("inspect", "--raw", f"oci:{tmp_path / name}"))
        kinds[name] = document["layers"][0]["mediaType"]
    assert kinds["kept"] == "application/vnd.oci.image.layer.v1.tar"
    assert kinds["ordinary"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    rundlet(
        *("save", "-q", "--compress", "--format", "docker-dir"),
        *("-o", str(tmp_path / "small"), "busybox"),
    )
    document = json.loads(skopeo("inspect", "--raw", f"dir:{tmp_path}/small"))
    assert document["layers"][0]["mediaType"].endswith(".tar.gzip")


def _import_another(tool: Rundlet, directory: Path) -> None:
    (directory / "file").write_text("another image")
    subprocess.run(["tar", "-C", directory, "-cf", directory / "kept.tar", "file"], check=True)
    tool("import", "-q", str(directory / "kept.tar"), "kept")


def test_a_damaged_archive_loses_nothing(loaded: Rundlet, tmp_path: Path) -> None:
    output = tmp_path / "a.tar"
    loaded("save", "-q", "-o", str(output), "busybox")
    _import_another(loaded, tmp_path)
    data = bytearray(output.read_bytes())
    data[len(data) // 2] ^= 0xFF
    output.write_bytes(data)
    loaded("rmi", "busybox")  # a layer that the store has is not read again
    for content in (data, data[: len(data) // 2], b""):
        output.write_bytes(content)
        done = loaded("load", "-i", str(output), check=False)
        assert done.returncode == 125
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
    assert loaded("image", "exists", "kept").returncode == 0
    assert loaded("image", "exists", "busybox", check=False).returncode == 1


def test_output_is_whole_or_not_there(loaded: Rundlet, tmp_path: Path) -> None:
    done = loaded("save", "-o", str(tmp_path / "a.tar"), "busybox", check=False)
    before = (tmp_path / "a.tar").read_bytes()
    assert done.returncode == 0
    failed = loaded("save", "-m", "-o", str(tmp_path / "a.tar"), "busybox", "nosuch", check=False)
    assert failed.stderr == "Error: nosuch: image not known\n"
    assert (tmp_path / "a.tar").read_bytes() == before
    assert [path.name for path in tmp_path.glob("*.tar*")] == ["a.tar"]


def test_a_policy_that_is_wrong_is_no_fault_of_the_archive(
    rundlet: Rundlet, busybox_archive: Path
) -> None:
    rundlet.environment["CONTAINERS_POLICY_JSON"] = str(rundlet.directory / "policy.json")
    (rundlet.directory / "policy.json").write_text("{}")
    done = rundlet("load", "-i", str(busybox_archive), check=False)
    assert done.stderr.startswith("Error: invalid trust policy"), done.stderr
    (rundlet.directory / "policy.json").write_text('{"default": [{"type": "reject"}]}')
    done = rundlet("load", "-i", str(busybox_archive), check=False)
    assert "rejected by policy" in done.stderr
