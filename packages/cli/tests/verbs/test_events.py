"""`rundlet events`: what each verb tells, and how it is shown and chosen (podman-events(1))."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devtools.tool import Rundlet
from rundlet.cli.listing import events
from rundlet.core.errors import InvalidArgument
from rundlet.core.views import Event

LIFE = (
    "create init start attach died cleanup "
    "mount unmount export "
    "restart init start died cleanup "
    "remove prune"
)


def test_what_containers_tell(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("run", "--network=none", "--name", "c", "busybox", "sleep", "0")
    rundlet("mount", "c")
    rundlet("mount")  # a list mounts nothing
    rundlet("unmount", "c")
    rundlet("export", "-o", str(tmp_path / "c.tar"), "c")
    rundlet("restart", "c")
    rundlet("wait", "c")
    rundlet("container", "prune", "-f")
    conf = tmp_path / "audited.conf"
    conf.write_text("[engine]\nevents_container_create_inspect_data = true\n")
    rundlet.environment["CONTAINERS_CONF"] = str(conf)
    rundlet(
        "run", "--rm", "--network=none", "--name", "d", "busybox", "sh", "-c", "exit 3", check=False
    )
    form = "{{.ContainerInspectData}}{{.ContainerExitCode}}"
    of = ("events", "--stream=false", "--filter", "container=d", "--format", form, "--filter")
    (audited,) = rundlet(*of, "event=create").stdout.splitlines()
    assert json.loads(audited.removesuffix("<nil>"))["Config"]["Cmd"] == ["sh", "-c", "exit 3"]
    assert rundlet(*of, "event=remove").stdout == "3\n"
    rundlet("image", "mount", "busybox")
    rundlet("image", "unmount", "busybox")
    rundlet("push", "-q", "busybox", f"dir:{tmp_path}/pushed")
    rundlet("rmi", "busybox")
    named = ("events", "--stream=false", "--format", "{{.Name}}", "--filter")
    assert rundlet(*named, "event=push").stdout == f"dir:{tmp_path}/pushed\n"
    shown = ("events", "--stream=false", "--format", "{{.Status}} ")
    told = rundlet(*shown, "--filter", "container=c").stdout.split()
    assert told == LIFE.split()
    ahead = ("events", "--until", "100ms", "--format", "{{.Status}} ", "--filter", "container=c")
    assert rundlet(*ahead).stdout.split() == LIFE.split()
    told = rundlet(*shown, "--filter", "type=image").stdout.split()
    assert told[-5:] == ["mount", "unmount", "push", "untag", "remove"]


DIED = Event(
    "container", "died", "c" * 64, "web", 1795684552405282283,
    {"image": "localhost/a:1", "containerExitCode": "3", "label": "x"},
)  # fmt: skip
PULLED = Event("image", "pull-error", "", "localhost/a:1", 1, {"error": "no such image"})
MADE = Event("network", "create", "e" * 64, "net", 1, {"driver": "bridge"})
LEFT = Event("network", "disconnect", "c" * 64, "web", 1, {"network": "net"})
ARTIFACT = Event("artifact", "push", "a" * 64, "q.io/a:1", 1)
VOLUME = Event("volume", "prune", "data", "data", 1)
ALL = (DIED, PULLED, MADE, LEFT, ARTIFACT, VOLUME)


@pytest.mark.parametrize(
    ("event", "ending"),
    [
        (DIED, f" container died {'c' * 12} (image=localhost/a:1, name=web, label=x)"),
        (PULLED, " image pull-error localhost/a:1 no such image"),
        (MADE, f" network create {'e' * 64} (name=net, type=bridge)"),
        (LEFT, f" network disconnect {'c' * 12} (container={'c' * 12}, name=net)"),
        (ARTIFACT, f" artifact push {'a' * 12} q.io/a:1"),
        (VOLUME, " volume prune data"),
    ],
)
def test_lines(event: Event, ending: str) -> None:
    assert events.line(event, whole=False).endswith(ending)


def test_documents_have_podmans_keys() -> None:
    assert json.loads(events.line(DIED, "json")) == {
        "ContainerExitCode": 3,
        "ID": "c" * 64,
        "Image": "localhost/a:1",
        "Name": "web",
        "Status": "died",
        "time": 1795684552,
        "timeNano": 1795684552405282283,
        "Type": "container",
        "Attributes": {"label": "x"},
    }
    assert json.loads(events.line(LEFT, "{{json .}}"))["network"] == "net"
    form = "{{.ContainerExitCode}} {{.Time}} {{.Network}} {{.Attributes}} {{.Error}}"
    assert events.line(PULLED, form) == "<nil> 0  map[] no such image"


@pytest.mark.parametrize(
    ("filters", "passing"),
    [
        (["container=web"], [DIED]),
        (["CONTAINER=" + "c" * 5], [DIED]),
        (["event=die"], [DIED]),
        (["status=push", "event=push"], [ARTIFACT]),
        (["artifact=aaaa"], [ARTIFACT]),
        (["network=net"], [MADE, LEFT]),
        (["image=a"], [PULLED]),
        (["volume=da"], [VOLUME]),
        (["label=label=x"], [DIED]),
        (["label=image"], []),
        (["type=network", "type=volume"], [MADE, LEFT, VOLUME]),
    ],
)
def test_filters(filters: list[str], passing: list[Event]) -> None:
    passes = events.chosen(filters)
    assert [event for event in ALL if passes(event)] == passing


def test_unknown_filters_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="colour is an invalid filter"):
        events.chosen(["colour=red"])
