"""buildah's session verb by verb: the installed rundlet-build, and beside it Debian's buildah."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs

pytestmark = pytest.mark.e2e


@pytest.fixture
def working(builder: Any) -> Iterator[Any]:
    """A builder whose working containers are removed at the end."""
    yield builder
    builder("rm", "--all", check=False)


def test_names_and_list(working: Any) -> None:
    assert working("from", "localhost/busybox").stdout == "busybox-working-container\n"
    assert working("from", "busybox").stdout == "busybox-working-container-1\n"
    assert working("from", "scratch").stdout == "working-container\n"
    assert working("from", "--name", "mine", "scratch").stdout == "mine\n"
    failed = working("from", "--name", "mine", "scratch", check=False)
    assert failed.returncode == 125 and "already in use" in failed.stderr
    heading, first, *_, last = working("containers").stdout.splitlines()
    assert heading == (
        "CONTAINER ID  BUILDER  IMAGE ID     IMAGE NAME                       CONTAINER NAME"
    )
    with working.engine() as engine:
        image = engine.images.get("busybox").id
    identity = first.split()[0]
    assert first == (
        f"{identity}     *     {image[:12]} {'localhost/busybox:latest':<32}"
        " busybox-working-container"
    )
    assert last[12:] == f"     *     {'':<12} {'scratch':<32} mine"
    rows = json.loads(working("containers", "--json").stdout)
    assert rows[0]["imageid"] == image and rows[0]["builder"] is True
    form = working("containers", "--format", "{{.ContainerName}} {{.ImageID}}", "-f", "name=mine")
    assert form.stdout == "mine \n"
    working("rename", "mine", "yours")
    assert working("containers", "-q", "-f", "name=yours").stdout.strip() == rows[3]["id"]
    assert working("rm", "yours").stdout == f"{rows[3]['id']}\n"
    missing = working("rm", "yours", check=False)
    assert missing.returncode and 'removing container "yours"' in missing.stderr


def test_podman_verbs_see_it_only_as_external(working: Any) -> None:
    working("from", "--name", "w", "busybox")
    rundlet = [str(Path(sys.executable).parent / "rundlet"), *working.places]
    plain = subprocess.run([*rundlet, "ps", "-aq"], capture_output=True, text=True, check=True)
    assert plain.stdout == ""
    outside = subprocess.run(
        [*rundlet, "ps", "-a", "--external"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[1]
    assert "buildah" in outside and "Storage" in outside and outside.endswith("w")
    check = subprocess.run([*rundlet, "system", "check"], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr
    used = working("rmi", "busybox", check=False)
    assert used.returncode and "in use by a container" in used.stderr
    subprocess.run([*rundlet, "rm", "w"], capture_output=True, check=True)
    assert working("containers", "-q").stdout == ""


def test_run(working: Any, tmp_path: Path) -> None:
    working("from", "--name", "w", "busybox")
    assert working("run", "w", "--", "sh", "-c", "echo out; echo x > /made").stdout == "out\n"
    assert working("run", "w", "cat", "/made").stdout == "x\n"
    assert working("run", "w", "sh", "-c", "exit 7", check=False).returncode == 7
    working("config", "--env", "A=1", "--workingdir", "/srv", "--user", "1:2", "w")
    told = working("run", "-e", "B=2", "w", "sh", "-c", "pwd; id -u; id -g; echo $A$B").stdout
    assert told.split() == ["/srv", "1", "2", "12"]
    assert working("run", "--user", "0", "--workingdir", "/etc", "w", "sh", "-c", "pwd; id -u")
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "f").write_text("from the host")
    words = ["run", "--user", "0", "-v", f"{tmp_path}/host:/in:ro"]
    assert working(*words, "w", "cat", "/in/f").stdout == "from the host"
    mount = f"type=bind,src={tmp_path}/host,dst=/in,rw"
    working("run", "--user", "0", "--mount", mount, "w", "sh", "-c", "echo y > /in/g")
    assert (tmp_path / "host" / "g").read_text() == "y\n"
    for word in ("one", "two"):
        kept = ["run", "--user", "0", "--mount", "type=cache,target=/c", "w", "sh", "-c"]
        count = working(*kept, f"touch /c/{word}; ls /c | wc -l").stdout.strip()
    assert count == "2"
    bad = working("run", "w", "/no/such", check=False)
    assert bad.returncode == 127
    with working.engine() as engine:
        from rundlet.build.working.containers import WorkingContainers

        with WorkingContainers(engine).get("w").root() as root:
            assert not os.path.exists(f"{root}/in") and not os.path.exists(f"{root}/c")


def test_run_in_a_chroot(working: Any, tmp_path: Path) -> None:
    working("from", "--isolation", "chroot", "--name", "w", "busybox")
    said = working("run", "w", "sh", "-c", "grep CapBnd /proc/self/status; echo $HOME; id -u")
    mask, home, uid = said.stdout.split()[1:]
    assert (int(mask, 16), home, uid) == (
        0x800405FB & ~(1 << 10 | 1 << 31) | 1 << 31 | 1 << 10,
        "/root",
        "0",
    )
    (tmp_path / "f").write_text("hello")
    assert working("run", "-v", f"{tmp_path}:/in:ro", "w", "cat", "/in/f").stdout == "hello"
    denied = working("run", "-v", f"{tmp_path}:/in:ro", "w", "touch", "/in/g", check=False)
    assert denied.returncode == 1 and "Read-only" in denied.stderr
    assert working("run", "w", "sh", "-c", "exit 9", check=False).returncode == 9
    assert working("run", "w", "/no/such", check=False).returncode == 127
    oci = working("run", "--isolation", "oci", "w", "sh", "-c", "ls / | sort").stdout
    assert "in" not in oci.split()


def test_copy_and_add(working: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "one.txt").write_text("1")
    (source / "two.txt").write_text("2")
    (source / "deep" / "three").write_text("3")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(source, "packed")
    working("from", "--name", "w", "busybox")
    digest = working("copy", "w", str(source / "one.txt"), "/etc/").stdout.strip()
    assert len(digest) == 64
    working("copy", "--chown", "3:4", "--chmod", "600", "w", str(source), "/srv/all")
    working("copy", "w", f"{source}/*.txt", "/srv/globbed")
    working("copy", "--contextdir", str(source), "w", "deep", "/srv/context")
    working("add", "-q", "w", str(tmp_path / "a.tar.gz"), "/srv/")
    working("copy", "w", str(tmp_path / "a.tar.gz"), "/srv/")
    working("config", "--workingdir", "/work", "w")
    working("copy", "w", str(source / "two.txt"))
    working("copy", "--exclude", "*.txt", "w", str(source), "/srv/less")
    working("from", "--name", "other", "scratch")
    working("copy", "--from", "w", "other", "/srv/all", "/x")
    listing = "find /srv /work /etc/one.txt -type f | sort | xargs stat -c '%n %a %u:%g'"
    lines = working("run", "w", "sh", "-c", listing).stdout.splitlines()
    assert lines == [
        "/etc/one.txt 644 0:0",
        "/srv/a.tar.gz 644 0:0",
        "/srv/all/deep/three 600 3:4",
        "/srv/all/one.txt 600 3:4",
        "/srv/all/two.txt 600 3:4",
        "/srv/context/three 644 0:0",
        "/srv/globbed/one.txt 644 0:0",
        "/srv/globbed/two.txt 644 0:0",
        "/srv/less/deep/three 644 0:0",
        "/srv/packed/deep/three 644 0:0",
        "/srv/packed/one.txt 644 0:0",
        "/srv/packed/two.txt 644 0:0",
        "/work/two.txt 644 0:0",
    ]
    root = Path(working("mount", "other").stdout.strip())
    assert (root / "x" / "one.txt").read_text() == "1"
    assert json.loads(working("mount", "--json").stdout) == [
        {"container": "other", "mountPoint": str(root)}
    ]
    working("umount", "other")
    assert working("mount").stdout == ""
    missing = working("copy", "w", "/no/such", "/", check=False)
    assert missing.returncode and "/no/such" in missing.stderr


CONFIG = (
    *("--author", "me", "--cmd", "a 'b c'", "--entrypoint", '["/x", "y"]', "--env", "A=b"),
    *("--env", "C=$A/d", "--healthcheck", "CMD curl -f x"),
    *("--healthcheck-interval", "5s", "--label", "l=1", "--annotation", "an=2", "--onbuild"),
    *("RUN y", "--port", "80", "--port", "53/udp", "--shell", "/bin/bash -c", "--stop-signal"),
    *("TERM", "--user", "u:g", "--volume", "/data", "--workingdir", "/w", "--hostname", "h"),
    *("--domainname", "d", "--comment", "cc", "--created-by", "by", "--history-comment", "hc"),
)


@pytest.mark.parametrize("form", ["oci", "docker"])
def test_config_and_commit_as_buildah_does(working: Any, buildah: Any, form: str) -> None:
    found = []
    for tool in (working, buildah):
        tool("from", "--pull-never", "--format", form, "--name", "c", "localhost/busybox")
        tool("config", *CONFIG, "c")
        tool("config", "--env", "A-", "--port", "80-", "--label", "m=2", "c")
        tool("commit", "-q", "--format", form, "c", "localhost/committed")
        found.append(tool.config("localhost/committed"))
        tool("rm", "c")
        tool("rmi", "localhost/committed")
    ours, theirs = map(_comparable, found)
    assert ours == theirs


def _comparable(document: dict[str, Any]) -> dict[str, Any]:
    """A config without times, versions and digests, and without what is empty."""
    document = json.loads(json.dumps(document))
    for name in ("created", "rootfs", "container_config", "docker_version", "container", "id"):
        document.pop(name, None)
    document.pop("parent", None)
    document["config"]["Labels"].pop("io.buildah.version")
    document["config"] = {k: v for k, v in document["config"].items() if v}
    document["config"].pop("Image", None)  # the base's id
    for entry in document["history"]:
        entry.pop("created")
    return {key: value for key, value in document.items() if value}


def test_commit_formats_are_read_by_others(working: Any, tmp_path: Path) -> None:
    needs("skopeo", "podman")
    working("from", "--name", "w", "busybox")
    working("run", "w", "sh", "-c", "echo hello > /hello")
    working("config", "--cmd", "cat /hello", "--label", "x=y", "w")
    for form, kind in (("oci", "oci.image"), ("docker", "docker.distribution")):
        target = f"oci-archive:{tmp_path}/{form}.tar" if form == "oci" else f"dir:{tmp_path}/d"
        working("commit", "-f", form, "w", target)
        told = subprocess.run(
            ["skopeo", "inspect", "--raw", target], capture_output=True, text=True, check=True
        ).stdout
        assert kind in json.loads(told)["mediaType"]
        inspected = subprocess.run(
            ["skopeo", "inspect", target], capture_output=True, text=True, check=True
        ).stdout
        assert json.loads(inspected)["Labels"]["x"] == "y"


def test_commit_ways(working: Any, tmp_path: Path) -> None:
    working("from", "--name", "w", "busybox")
    working("run", "--add-history", "w", "sh", "-c", "echo hello > /hello; rm /etc/passwd")
    same = [
        working("commit", "-q", "--timestamp", "0", "w", name).stdout.strip() for name in ("a", "b")
    ]
    assert same[0] == same[1]
    document = working.config("a")
    assert document["created"].startswith("1970-01-01T00:00:00")
    assert document["history"][-2]["created_by"] == "sh -c echo hello > /hello; rm /etc/passwd"
    assert document["history"][-1]["comment"] == "FROM localhost/busybox:latest"
    working("commit", "--squash", "--omit-history", "--identity-label=false", "w", "flat")
    flat = working.config("flat")
    assert len(flat["rootfs"]["diff_ids"]) == 1 and not flat["history"]
    assert "Labels" not in flat["config"]
    assert working.files("flat") == working.files("a")
    assert "etc/passwd" not in working.files("a")
    identity = tmp_path / "id"
    working("commit", "--rm", "--iidfile", str(identity), "--unsetenv", "PATH", "w")
    with working.engine() as engine:
        image = engine.images.get(identity.read_text().removeprefix("sha256:"))
        assert not engine.images.config(image).config.get("Env") and not image.names
    assert working("containers", "-q").stdout == ""


def test_inspect(working: Any) -> None:
    working("from", "--name", "w", "busybox")
    working("config", "--env", "A=b", "--annotation", "n=v", "w")
    document = json.loads(working("inspect", "w").stdout)
    assert document["Container"] == "w" and document["FromImage"] == "localhost/busybox:latest"
    assert document["ImageAnnotations"]["n"] == "v"
    assert "A=b" in document["OCIv1"]["config"]["Env"] == document["Docker"]["config"]["Env"]
    form = working("inspect", "--format", "{{.OCIv1.Config.Env}} {{.FromImageID}}", "w").stdout
    assert "A=b" in form and form.split()[-1] == document["FromImageID"]
    image = json.loads(working("inspect", "--type", "image", "busybox").stdout)
    assert image["FromImageID"] == document["FromImageID"] and image["OCIv1"]["history"]
    assert working("inspect", "nosuch", check=False).returncode == 125


def test_info_prune_unshare_tag(working: Any) -> None:
    working("from", "--name", "w", "busybox")
    working("run", "w", "touch", "/x")
    first = working("commit", "-q", "w", "t").stdout.strip()
    working("tag", "t", "u")
    second = working("commit", "-q", "w", "t").stdout.strip()
    working("rmi", "u")
    third = working("commit", "-q", "w", "t").stdout.strip()
    gone = working("prune").stdout.split()
    assert second in gone and third not in gone and first != second
    said = working("info").stdout
    assert json.loads(said)["store"]["GraphRoot"] == str(working.root)
    assert working("info", "--format", "{{.store.RunRoot}}").stdout.strip() == str(working.runroot)
    made = working("unshare", "--mount", "ROOT=w", "sh", "-c", "ls $ROOT/x; exit 3", check=False)
    assert made.returncode == 3 and made.stdout.endswith("/x\n")


def test_a_killed_run_leaves_nothing(working: Any) -> None:
    working("from", "--name", "w", "busybox")
    child = subprocess.Popen(
        [*working.command, "run", "w", "sh", "-c", "echo up; sleep 60"], stdout=subprocess.PIPE
    )
    assert child.stdout is not None and child.stdout.readline() == b"up\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    time.sleep(0.1)
    assert working("run", "w", "echo", "again").stdout == "again\n"
    with working.engine() as engine:
        assert [row.name for row in engine.containers.list()] == []
    working("rm", "w")


def test_the_terminal(working: Any) -> None:
    import pty

    working("from", "--name", "w", "busybox")
    controller, terminal = pty.openpty()
    child = subprocess.Popen(
        [*working.command, "run", "-t", "w", "tty"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    said = b""
    try:
        while piece := os.read(controller, 1024):
            said += piece
    except OSError:
        pass
    assert child.wait() == 0 and b"/dev/pts/" in said
    os.close(controller)
