"""Volumes of the driver `image`: a layer of their own over an image, which stays for them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from devtools.tool import Rundlet


@pytest.fixture
def volume(rundlet: Rundlet, busybox_archive: Path) -> Rundlet:
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("volume", "create", "--driver", "image", "--opt", "image=busybox", "v")
    return rundlet


def test_it_is_the_image_and_what_was_written(volume: Rundlet, tmp_path: Path) -> None:
    run = ("run", "--rm", "--network", "none", "-v", "v:/v", "busybox", "sh", "-c")
    volume(*run, "test -e /v/bin/busybox && rm /v/bin/ls && echo new > /v/file")
    assert volume(*run, "cat /v/file; test ! -e /v/bin/ls").stdout == "new\n"
    assert volume("volume", "ls", "--noheading").stdout.split() == ["image", "v"]
    [told] = json.loads(volume("volume", "inspect", "v").stdout)
    assert (told["Driver"], told["Options"], told["MountCount"]) == (
        "image",
        {"image": "busybox"},
        0,
    )
    assert len(told["StorageID"]) == 64
    volume("volume", "rename", "v", "w")
    volume("create", "--name", "c", "-v", "w:/v", "busybox", "true")
    volume("cp", "c:/v/file", str(tmp_path / "copied"))  # it is mounted for that alone
    assert ((tmp_path / "copied").read_text(), volume.mounts()) == ("new\n", [])
    assert volume("system", "check").stdout == ""


def test_the_image_stays_for_it(volume: Rundlet) -> None:
    refused = volume("rmi", "busybox", check=False)
    assert refused.returncode == 2
    assert "image used by volume v" in refused.stderr
    volume("image", "prune", "-a", "-f")
    assert volume("images", "--format", "{{.Containers}}").stdout == "1\n"
    volume("create", "-v", "v:/v", "busybox", "true")
    volume("rmi", "-f", "busybox")  # podman: the volume goes, and whoever uses it
    assert volume("ps", "-aq").stdout + volume("volume", "ls", "-q").stdout == ""
    assert volume("system", "check").stdout == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "must provide an image name"),
        (("image=nothing",), "nothing: image not known"),
        (("image=busybox", "type=tmpfs"), "invalid mount option type for driver 'image'"),
    ],
)
def test_what_is_refused(volume: Rundlet, options: tuple[str, ...], said: str) -> None:
    words = [word for option in options for word in ("--opt", option)]
    done = volume("volume", "create", "-d", "image", *words, "w", check=False)
    assert (done.returncode, said in done.stderr) == (125, True)
    assert volume("volume", "exists", "w", check=False).returncode == 1


def test_a_lost_layer_is_made_again(volume: Rundlet) -> None:
    [told] = json.loads(volume("volume", "inspect", "v").stdout)
    [layer] = volume.directory.rglob(told["StorageID"])
    os.rename(layer, f"{layer}-away")
    assert "volume v: its writable layer is gone" in volume("system", "check", check=False).stdout
    volume("system", "check", "--repair", check=False)
    volume("volume", "rm", "v")
