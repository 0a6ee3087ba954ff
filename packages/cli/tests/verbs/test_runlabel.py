"""`rundlet container runlabel`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from devtools.tool import Rundlet

RUN = r"podman run --rm --network none --name ${NAME} ${IMAGE} echo \"hello there\" $NOSUCH"


@pytest.fixture
def labelled(rundlet: Rundlet, busybox_archive: Path) -> Rundlet:
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("create", "--name", "c", "--network", "none", "busybox")
    labels = {
        "RUN": RUN,
        "INSTALL": "echo $IMAGE",
        "FAIL": "false",
        "BARE": "podman run --name NAME -e NAME=NAME -e IMAGE=IMAGE IMAGE echo ANAME",
        "BAD": "echo 'x",
        "GONE": "/x",
    }
    changes = [word for key, text in labels.items() for word in ("-c", f'LABEL {key}="{text}"')]
    rundlet("commit", "-q", *changes, "c", "lab")
    return rundlet


def test_a_command_of_ours_runs_on_the_same_store(labelled: Rundlet) -> None:
    done = labelled("container", "runlabel", "run", "lab", "more")
    assert done.stdout == "hello there  more\n"


def test_another_command(labelled: Rundlet) -> None:
    done = labelled("container", "runlabel", "install", "lab", "a", "-b")
    assert done.stdout == "localhost/lab:latest a -b\n"


def test_display(labelled: Rundlet) -> None:
    done = labelled("container", "runlabel", "--display", "--name", "x", "RUN", "lab")
    assert done.stdout.startswith(
        "command: podman run --rm --network none --name x localhost/lab:latest echo"
    )


def test_bare_words_are_filled_in(labelled: Rundlet) -> None:
    done = labelled("container", "runlabel", "--display", "bare", "lab")
    image = "localhost/lab:latest"
    assert done.stdout == (
        f"command: podman run --name lab -e NAME=lab -e IMAGE={image} {image} echo ANAME\n"
    )


def test_the_exit_code_is_ours(labelled: Rundlet) -> None:
    assert labelled("container", "runlabel", "FAIL", "lab", check=False).returncode == 1


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("nosuch", "cannot find the value of label: nosuch in image: lab"),
        ("BAD", "No closing quotation"),
        ("GONE", "/x: No such file or directory"),
    ],
)
def test_errors(labelled: Rundlet, label: str, words: str) -> None:
    done = labelled("container", "runlabel", label, "lab", check=False)
    assert done.returncode == 125
    assert words in done.stderr
