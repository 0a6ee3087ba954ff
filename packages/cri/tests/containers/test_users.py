"""Whom a container runs as: what its image says, and what the pod says instead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rundlet.cri.proto import api_pb2 as cri

MAKE = (
    "echo 'app:x:1500:1600::/:/bin/sh' >>/etc/passwd;"
    "echo 'app:x:1600:' >>/etc/group; echo 'extra:x:1700:app,nobody' >>/etc/group"
)


@pytest.fixture
def image(kubelet: Any) -> str:
    """Runs as `app`, with an entrypoint, arguments, a variable and a directory."""
    name = "localhost/app:1"
    rundlet = [str(Path(sys.executable).with_name("rundlet")), *kubelet.server.places]
    changes = (
        "USER app", "WORKDIR /work", "ENV FROM=image", 'ENTRYPOINT ["echo", "entry"]',
        'CMD ["cmd"]',
    )  # fmt: skip
    words = [word for change in changes for word in ("--change", change)]
    for command in (
        ("run", "--name", "maker", "--network", "none", kubelet.image, "sh", "-c", MAKE),
        ("commit", *words, "maker", name),
        ("commit", "--change", "USER 1500:7", "maker", "localhost/number:1"),
        ("rm", "maker"),
    ):
        subprocess.run([*rundlet, *command], check=True, capture_output=True)
    return name


@pytest.mark.e2e
def test_users_and_commands_of_an_image(kubelet: Any, image: str) -> None:
    client = kubelet.client
    found = client.image_status(image=cri.ImageSpec(image=image)).image
    assert (found.username, found.HasField("uid")) == ("app", False)
    numbered = client.image_status(image=cri.ImageSpec(image="localhost/number:1")).image
    assert (numbered.username, numbered.uid.value) == ("", 1500)
    plain = client.image_status(image=cri.ImageSpec(image=kubelet.image)).image
    assert (plain.username, plain.uid.value) == ("", 0)
    pod = kubelet.pod()

    def output(*command: str, args: tuple[str, ...] = (), **context: Any) -> str:
        wanted = kubelet.config(
            *command, args=args, security=cri.LinuxContainerSecurityContext(**context)
        )
        wanted.image.image = image
        container = kubelet.create(pod, wanted)
        client.start_container(container_id=container)
        status = kubelet.ended(container)
        log = Path(status.log_path)
        lines = [line.split(" ", 3)[3] for line in log.read_text().splitlines()]
        client.remove_container(container_id=container)
        log.unlink()
        return " ".join(lines)

    groups = "id -u; id -g; id -G"
    number = cri.Int64Value
    for context, said in (
        ({}, "1500 1600 1600 1700"),
        ({"supplemental_groups": [42]}, "1500 1600 1600 42 1700"),
        (
            {"supplemental_groups": [42], "supplemental_groups_policy": cri.Strict},
            "1500 1600 1600 42",
        ),
        ({"run_as_username": "nobody"}, "65534 65534 65534 1700"),
        ({"run_as_username": "nobody", "run_as_group": number(value=7)}, "65534 7 7 1700"),
        ({"run_as_user": number(value=0)}, "0 0 0"),
        ({"run_as_user": number(value=1500)}, "1500 1600 1600 1700"),
    ):
        user, group, *every = output("sh", "-c", groups, **context).split()
        assert f"{user} {group} {every[0]} {' '.join(sorted(every[1:]))}".split() == [
            *said.split()[:3], *sorted(said.split()[3:])
        ], context  # fmt: skip
    assert output() == "entry cmd"
    assert output(args=("mine",)) == "entry mine"
    assert output("echo", "command") == "command", "the image's arguments are of its own command"
    assert output("sh", "-c", "pwd; echo $FROM") == "/work image"
