"""The same words to ours and to Debian's podman: same exit code, same shape, same messages.

What differs by nature is made equal first: ids, sizes, paths, the program's name. Where ours
says more (a remedy, the kind of a thing) only the exit code is compared.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devtools.peers import Podman

if TYPE_CHECKING:
    from devtools.tool import Rundlet

    Said = tuple[int, str, str]
    Tool = Callable[..., Said]

_EQUAL = (
    (r"\b[0-9a-f]{64}\b", "ID64"),
    (r"\b[0-9a-f]{25}\b", "ID25"),
    (r"\b[0-9a-f]{12}\b", "ID12"),
    (r"\d+(\.\d+)? [kM]B", "SIZE"),
    (r"\d{4}-\d\d-\d\d[T ][\d:.]+( \+0000 UTC|Z)", "TIME"),
    (r"(Less than a second|\d+ seconds?) ago", "RECENTLY"),
    (r"/\S*/(root|store)/(?=volumes)", "ROOT/"),
    (r"\bpodman\b", "rundlet"),
    (r"\bmap\[a:b\]", "a=b"),  # as podman 6 writes labels
    (r"[ \t]+", " "),
    (r" $", ""),
)


def _equal(text: str) -> str:
    for pattern, replacement in _EQUAL:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


@pytest.fixture
def tools(rundlet: Rundlet, podman: Podman, busybox_archive: Path, tmp_path: Path) -> list[Tool]:
    """Ours and podman, each with the busybox image and a file `value`, made comparable."""
    (tmp_path / "value").write_text("abc")
    (tmp_path / "empty").touch()

    def make(command: tuple[str, ...], environment: dict[str, str]) -> Tool:
        def run(*words: str, stdin: str = "") -> Said:
            done = subprocess.run(
                [*command, *words],
                cwd=tmp_path,
                env=environment,
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
            )
            return done.returncode, _equal(done.stdout), _equal(done.stderr)

        run("load", "-q", "-i", str(busybox_archive))
        return run

    environment = {**os.environ, "A_SECRET": "xyz"}
    return [
        make(("rundlet",), {**rundlet.environment, "A_SECRET": "xyz"}),
        make(podman.command, environment),
    ]


SAME: dict[str, tuple[list[str], ...]] = {
    "tag unknown": (["tag", "nosuch", "a"],),
    "tag": (["tag", "busybox", "one", "two:2"], ["image", "exists", "two:2"]),
    "untag one": (["tag", "busybox", "a", "b"], ["untag", "a", "a"], ["images", "-q"]),
    "untag unknown name": (["tag", "busybox", "a"], ["untag", "a", "b"]),
    "untag unknown image": (["untag", "nosuch"],),
    "untag all": (["tag", "busybox", "a"], ["untag", "a"], ["image", "exists", "busybox"]),
    "exists": (["image", "exists", "busybox"], ["image", "exists", "nosuch"]),
    "rmi": (["rmi", "busybox"],),
    "rmi a tag": (["tag", "busybox", "one"], ["rmi", "one"], ["rmi", "busybox"]),
    "rmi unknown": (["rmi", "nosuch"],),
    "rmi several unknown": (["rmi", "nosuch", "nosuch2"],),
    "rmi some": (["rmi", "nosuch", "busybox"],),
    "rmi ignore": (["rmi", "-i", "nosuch"],),
    "rmi force unknown": (["rmi", "-f", "nosuch"],),
    "rmi nothing": (["rmi"],),
    "rmi all and one": (["rmi", "-a", "busybox"],),
    "rmi all": (["rmi", "-a"], ["images", "-q"]),
    "rmi in use": (["create", "busybox"], ["rmi", "busybox"], ["rmi", "-f", "busybox"]),
    "rmi in use and unknown": (["create", "busybox"], ["rmi", "nosuch", "busybox"]),
    "history": (["history", "busybox"],),
    "history quiet": (["history", "-q", "busybox"], ["history", "-q", "--no-trunc", "busybox"]),
    "history format": (["history", "--format", "{{.ID}} {{.CreatedBy}} {{.Comment}}", "busybox"],),
    "history unknown": (["history", "nosuch"],),
    "image prune": (["image", "prune", "-f"], ["untag", "busybox"], ["image", "prune", "-f"]),
    "image prune asks": (["image", "prune"], ["image", "prune", "-a"], ["images", "-q"]),
    "volume exists": (["volume", "exists", "v"], ["volume", "create", "v"],
                      ["volume", "exists", "v"]),
    "volume twice": (["volume", "create", "v"], ["volume", "create", "v"]),
    "volume anonymous": (["volume", "create"],),
    "volume ls": (["volume", "ls"], ["volume", "create", "v"], ["volume", "ls"],
                  ["volume", "ls", "-q"], ["volume", "ls", "--noheading"]),
    "volume ls format": (["volume", "create", "-l", "a=b", "v"],
                         ["volume", "ls", "--format", "{{.Name}} {{.Driver}} {{.Labels}}"],
                         ["volume", "ls", "--format", "{{.Mountpoint}} {{.CreatedAt}}"],
                         ["volume", "ls", "--format", "table {{.Name}}\t{{.Labels}}"]),
    "volume ls filter": (["volume", "create", "-l", "a=b", "v"], ["volume", "create", "w"],
                         ["volume", "ls", "-f", "label=a"], ["volume", "ls", "-f", "label=a=c"],
                         ["volume", "ls", "-f", "name=w"], ["volume", "ls", "-f", "bad=x"],
                         ["volume", "ls", "-qf", "dangling=true"]),
    "volume inspect": (["volume", "create", "-l", "a=b", "v"], ["volume", "inspect", "v"],
                       ["volume", "inspect", "-f", "{{.Name}} {{.Scope}}", "v"]),
    "volume inspect nothing": (["volume", "inspect"], ["volume", "inspect", "-a", "v"]),
    "volume rm": (["volume", "create", "v"], ["volume", "rm", "v"], ["volume", "rm", "v"]),
    "volume rm some": (["volume", "create", "v"], ["volume", "rm", "nosuch", "v"]),
    "volume rm force unknown": (["volume", "rm", "-f", "nosuch"],),
    "volume rm nothing": (["volume", "rm"], ["volume", "rm", "-a", "v"]),
    "volume rm all": (["volume", "create", "v"], ["volume", "create", "w"], ["volume", "rm", "-a"]),
    "volume rm force": (["create", "-v", "v:/v", "busybox"], ["volume", "rm", "-f", "v"],
                        ["ps", "-aq"]),
    "volume prune": (["volume", "create", "v"], ["volume", "prune", "--all"],
                     ["volume", "prune", "--all", "-f"], ["volume", "ls", "-q"]),
    "volume prune in use": (["create", "-v", "v:/v", "busybox"],
                            ["volume", "prune", "--all", "-f"], ["volume", "ls", "-q"]),
    "secret create": (["secret", "create", "s", "value"], ["secret", "create", "s", "value"]),
    "secret env": (["secret", "create", "--env", "s", "A_SECRET"],
                   ["secret", "create", "--env", "t", "NO_SUCH_VARIABLE"]),
    "secret no file": (["secret", "create", "s", "nosuch"], ["secret", "create", "s"]),
    "secret ls": (["secret", "ls"], ["secret", "create", "s", "value"], ["secret", "ls"],
                  ["secret", "ls", "-q"], ["secret", "ls", "--noheading"],
                  ["secret", "ls", "--format", "{{.Name}} {{.Driver}} {{.CreatedAt}}"],
                  ["secret", "ls", "-f", "name=x"], ["secret", "ls", "-f", "bad=x"]),
    "secret inspect pretty": (["secret", "create", "-l", "a=b", "-l", "c", "s", "value"],
                              ["secret", "inspect", "--pretty", "s"],
                              ["secret", "inspect", "-f", "{{.ID}} {{.Spec.Name}}", "s"]),
    "secret inspect unknown": (["secret", "inspect", "nosuch"],),
    "secret rm": (["secret", "create", "s", "value"], ["secret", "rm", "s"], ["secret", "rm", "s"]),
    "secret rm nothing": (["secret", "rm"], ["secret", "rm", "-a", "s"]),
    "secret rm all": (["secret", "create", "s", "value"], ["secret", "rm", "-a"]),
    "load nothing there": (["load", "-i", "nosuch"],),
    "load takes no words": (["load", "busybox"],),
    "save unknown": (["save", "-o", "out.tar", "nosuch"],),
    "save colon": (["save", "-o", "a:b", "busybox"],),
    "save compress": (["save", "--compress", "-o", "out", "busybox"],),
    "push unknown": (["push", "nosuch"], ["push", "nosuch", "dir:out"]),
}  # fmt: skip
"""What is done one after another, of which every step must look alike."""


@pytest.mark.parametrize("case", SAME)
def test_same_output_and_exit_code(tools: list[Tool], case: str) -> None:
    for words in SAME[case]:
        ours = tools[0](*words, stdin="n\n")
        theirs = tools[1](*before_6(words), stdin="n\n")
        assert ours == theirs, f"{' '.join(words)}"


def before_6(words: list[str]) -> list[str]:
    """The words for Debian's podman, whose `volume prune` takes named volumes without --all."""
    return [word for word in words if word != "--all" or words[:2] != ["volume", "prune"]]


@pytest.mark.parametrize("words", [["image", "prune"], ["volume", "prune", "--all"]])
def test_prune_asked_and_answered(tools: list[Tool], words: list[str]) -> None:
    for tool in tools:
        tool("untag", "busybox")
        tool("volume", "create", "v")
    both = (tools[0], words), (tools[1], before_6(words))
    nobody, yes = ([tool(*own, stdin=answer) for tool, own in both] for answer in ("", "y\n"))
    assert nobody[0][:2] == nobody[1][:2]
    assert yes[0] == yes[1]


SAME_CODE: dict[str, list[str]] = {
    "tag to nonsense": ["tag", "busybox", "Bad:Name:x"],
    "volume of unknown driver": ["volume", "create", "--driver", "nosuch", "v"],
    "volume of unknown option": ["volume", "create", "--opt", "foo=bar", "v"],
    "volume of bad name": ["volume", "create", "a/b"],
    "volumes that are not there": ["volume", "inspect", "v", "w"],
    "secret of bad name": ["secret", "create", "a/b", "value"],
    "secret of unknown driver": ["secret", "create", "-d", "nosuch", "s", "value"],
    "empty secret": ["secret", "create", "s", "empty"],
    "load of no archive": ["load", "-i", "/etc/passwd"],
    "load of an empty one": ["load", "-i", "empty"],
    "import of nothing": ["import", "nosuch"],
    "import without words": ["import"],
    "save in an unknown format": ["save", "--format", "foo", "-o", "out", "busybox"],
    "save without words": ["save"],
    "save to nowhere": ["save", "-o", "/nosuch/a.tar", "busybox"],
    "push in an unknown format": ["push", "--format", "bad", "busybox", "dir:out"],
    "push with unknown compression": ["push", "--compression-format", "bad", "busybox", "dir:out"],
    "push by an unknown transport": ["push", "busybox", "nosuch:/x"],
    "history of two": ["history", "busybox", "busybox"],
    "tag without a name": ["tag", "busybox"],
    "unknown flag": ["rmi", "--nosuch"],
    "info of an unknown field": ["info", "-f", "{{.Nope}}"],
}


@pytest.mark.parametrize("case", SAME_CODE)
def test_same_exit_code_and_nothing_printed(tools: list[Tool], case: str) -> None:
    (code, out, problem), (their_code, their_out, _) = (tool(*SAME_CODE[case]) for tool in tools)
    assert (code, out) == (their_code, their_out)
    assert problem.startswith("Error: ")


def test_rmi_by_id(tools: list[Tool], image_layout: Path) -> None:
    """The id is the same in both stores: it is the digest of the config."""
    identity = _image_id(image_layout)
    for words in (
        ["tag", "busybox", "one"],
        ["rmi", identity[:12]],
        ["rmi", "one"],
        ["rmi", "sha256:" + identity],
        ["rmi", identity],
    ):
        ours, theirs = (tool(*words) for tool in tools)
        assert ours == theirs, f"{' '.join(words)}"


def _image_id(layout: Path) -> str:
    """The id of the first image in a layout."""

    def blob(digest: str) -> dict[str, Any]:
        path = layout / "blobs/sha256" / digest.partition(":")[2]
        document: dict[str, Any] = json.loads(path.read_text())
        return document

    index = json.loads((layout / "index.json").read_text())
    manifest = blob(index["manifests"][0]["digest"])
    return str(manifest["config"]["digest"]).partition(":")[2]
