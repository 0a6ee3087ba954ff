"""Bases from a registry: the policies of --pull, --from, platforms of an index; contexts by URL."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs
from devtools.served import served
from rundlet.core.contracts.transport import TransportSettings

PLAIN = "--tls-verify=false"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A directory, and the URL of the server on loopback that serves it."""
    root = tmp_path / "site"
    root.mkdir()
    with served(root) as url:
        yield root, url


@pytest.fixture
def publish(builder: Any, context: Path, registry: Any) -> Callable[[str], str]:
    """Puts an image whose /version has a text into the registry; its name there."""

    def published(text: str) -> str:
        (context / "version").write_text(text)
        (context / "Containerfile").write_text("FROM scratch\nCOPY version /version\n")
        identity = builder.build(context)
        name = f"{registry.host}/base:latest"
        with builder.engine() as engine:
            engine.images.push(
                identity, f"docker://{name}", settings=TransportSettings(tls_verify=False)
            )
            engine.images.remove(identity)
        return name

    return published


def version(builder: Any, context: Path, base: str, *words: str) -> str:
    """What /version holds in an image that is built on the base."""
    (context / "Containerfile").write_text(f"FROM {base}\nLABEL x=y\n")
    builder("build", PLAIN, *words, "-t", "pulled", str(context))
    with builder.engine() as engine:
        text = (Path(engine.images.mount("pulled")) / "version").read_text()
        engine.images.unmount("pulled", force=True)
    return text


def test_policies(
    builder: Any, context: Path, registry: Any, publish: Callable[[str], str]
) -> None:
    base = publish("one")
    (context / "Containerfile").write_text(f"FROM {base}\n")
    done = builder("build", PLAIN, "--pull=never", str(context), check=False)
    assert (done.returncode, base in done.stderr) == (125, True)
    assert version(builder, context, base) == "one"
    publish("two")
    assert version(builder, context, base) == "one", "missing is the default"
    assert version(builder, context, base, "--pull-never") == "one"
    assert version(builder, context, base, "--pull=newer") == "two"
    publish("three")
    assert version(builder, context, base, "--pull") == "three", "alone it means always"
    publish("four")
    assert version(builder, context, base, "--pull-always") == "four"
    publish("five")
    assert version(builder, context, base, "--pull=false") == "four"
    (context / "Containerfile").write_text(f"FROM {base}\n")
    done = builder("build", "--pull=sometimes", str(context), check=False)
    assert (done.returncode, "unrecognized pull policy" in done.stderr) == (125, True)


def test_another_base(builder: Any, context: Path, publish: Callable[[str], str]) -> None:
    base = publish("own")
    assert version(builder, context, "localhost/not-there", "--from", base) == "own"


def test_platforms_of_an_index(builder: Any, context: Path, registry: Any) -> None:
    (context / "Containerfile").write_text(
        f"FROM {registry.host}/multi\nARG TARGETARCH\nLABEL arch=$TARGETARCH\n"
    )
    words = ("--platform", "linux/amd64,linux/arm64", "--manifest", "both", PLAIN)
    lines = builder("build", *words, str(context)).stdout.splitlines()
    found = [builder.config(identity) for identity in lines[-2:]]
    assert [one["architecture"] for one in found] == ["amd64", "arm64"]
    assert [one["config"]["Labels"]["arch"] for one in found] == ["amd64", "arm64"]


def test_archives_and_files_by_url(builder: Any, site: tuple[Path, str]) -> None:
    root, url = site
    (root / "added").write_text("added")
    text = f"FROM localhost/busybox\nCOPY inside /inside\nADD {url}/added /added\n".encode()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in (("Containerfile", text), ("inside", b"inside")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    (root / "context.tar.gz").write_bytes(data.getvalue())
    by_url = builder("build", f"{url}/context.tar.gz").stdout.split()[-1]
    by_stdin = builder("build", "-", stdin=data.getvalue()).stdout.split()[-1]
    files = builder.files(by_url)
    assert {"inside", "added"} <= set(files)
    assert builder.files(by_stdin) == files
    done = builder("build", f"{url}/nothing.tar.gz", check=False)
    assert (done.returncode, f"{url}/nothing.tar.gz" in done.stderr) == (125, True)


def test_git_repositories(builder: Any, site: tuple[Path, str], tmp_path: Path) -> None:
    needs("git")
    root, url = site
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    (work / "Containerfile").write_text("FROM localhost/busybox\nCOPY file /file\n")
    (work / "sub" / "Containerfile").write_text("FROM localhost/busybox\nCOPY . /sub\n")
    (work / "file").write_text("first")
    git = ["git", "-C", str(work), "-c", "user.name=x", "-c", "user.email=x@x"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    subprocess.run([*git, "tag", "v1"], check=True)
    (work / "file").write_text("second")
    subprocess.run([*git, "commit", "-q", "-a", "-m", "two"], check=True)
    bare = root / "repository.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(bare)], check=True)
    subprocess.run(["git", "-C", str(bare), "update-server-info"], check=True)
    address = f"{url}/repository.git"
    newest = builder("build", address).stdout.split()[-1]
    tagged = builder("build", f"{address}#v1").stdout.split()[-1]
    assert builder.files(newest)["file"] != builder.files(tagged)["file"]
    below = builder("build", f"{address}#main:sub").stdout.split()[-1]
    assert "sub/Containerfile" in builder.files(below)
    context = tmp_path / "named"
    context.mkdir()
    (context / "Containerfile").write_text("FROM scratch\nCOPY --from=more file /file\n")
    named = builder.build(context, "--build-context", f"more={address}#v1")
    assert builder.files(named)["file"] == builder.files(tagged)["file"]
    done = builder("build", f"{address}#nothing", check=False)
    assert (done.returncode, "nothing" in done.stderr) == (125, True)
