"""The forms of values of `run`'s options (podman-run(1)), read without a container."""

from __future__ import annotations

import pytest

from devtools.tool import Rundlet
from rundlet.cli.request import log_options, mounts, secrets
from rundlet.core.errors import RundletError


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("type=bind,src=/a,dst=/x,subpath=b", "'subpath' option not supported for 'bind'"),
        ("type=tmpfs,dst=/x,bind-propagation=shared", "not supported for 'tmpfs'"),
        ("src=/a,dst=/x,volume-opt=a=b,type=bind", "'volume-opt' option not supported"),
        ("type=volume,dst=/x,tmpfs-size=1m", "'tmpfs-size' option not supported"),
        ("type=volume,src=v,dst=/x,subpath", "subpath: must provide an argument"),
        ("type=tmpfs,dst=/x,tmpfs-size", "tmpfs-size: must provide an argument"),
        ("type=bind,src,dst=/x", "src: must provide an argument"),
        ("type=bind,src=/a,dst=/x,relabel=public", "'private' or 'shared', not 'public'"),
        ("type=volume,src=v,dst=/x,volume-label=a=b", "volume create --label"),
    ],
)
def test_options_that_a_mount_does_not_have(text: str, says: str) -> None:
    with pytest.raises(RundletError) as raised:
        mounts.mount(text)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("text", "destination", "permissions"),
    [
        ("/dev/a", "", "rwm"),
        ("/dev/a:r", "", "r"),
        ("/dev/a:/dev/b", "/dev/b", "rwm"),
        ("/dev/a:/dev/b:mw", "/dev/b", "mw"),
        ("/dev/a:b", None, ""),
        ("/dev/a:rx", None, ""),
        ("/dev/a:rr", None, ""),
        ("/dev/a:/dev/b:", None, ""),
        (":/dev/b", None, ""),
        ("/dev/a:/dev/b:r:w", None, ""),
    ],
)
def test_devices(text: str, destination: str | None, permissions: str) -> None:
    if destination is None:
        with pytest.raises(RundletError, match="invalid device"):
            mounts.device(text)
        return
    found = mounts.device(text)
    assert (found.source, found.destination, found.permissions) == (
        "/dev/a", destination, permissions,
    )  # fmt: skip


def test_secrets() -> None:
    assert secrets.secret("pw,UID=5,GID=6,mode=0400") == {
        "name": "pw", "uid": "5", "gid": "6", "mode": "0400",
    }  # fmt: skip
    for text in (
        "pw,uid=-1",
        "pw,mode=",
        "pw,mode=8",
        "pw,type=env,type=mount",
        "pw,gid=4294967296",
    ):
        with pytest.raises(RundletError, match=r"invalid|more than one"):
            secrets.secret(text)


def test_log_options() -> None:
    assert log_options.log_options(["MAX-SIZE=1m", "log-rotate=true"]) == {
        "max-size": "1m", "max-file": "2",
    }  # fmt: skip
    assert log_options.log_options(["max-file=5", "log-rotate=TRUE"]) == {"max-file": "5"}
    assert log_options.log_options(["log-rotate=false"]) == {}
    with pytest.raises(RundletError, match="conflicting log options"):
        log_options.log_options(["log-rotate=false", "max-file=5"])


def test_what_a_healthcheck_and_a_log_are_told(loaded: Rundlet) -> None:
    forms = {
        "curl -f x": ["CMD-SHELL", "curl -f x"],
        '["CMD","a","b"]': ["CMD", "a", "b"],
        '["cmd-shell","a b"]': ["CMD-SHELL", "a b"],
        '["a","b"]': ["CMD", "a", "b"],
        '["a"]': ["CMD-SHELL", "a"],
        "CMD a b": ["CMD", "a", "b"],
        "CMD-SHELL a b": ["CMD-SHELL", "a b"],
        "[bad": ["CMD-SHELL", "[bad"],
    }
    for number, text in enumerate(forms):
        flags = ("--health-cmd", text, "--health-startup-cmd", "x", "--health-start-interval", "7s")
        logged = ("--log-opt", "driver=none", "--log-opt", "mode=x", "--log-opt", "env=A")
        done = loaded("create", "--name", f"c{number}", *flags, *logged, "busybox")
        assert done.stderr == (
            "WARN[0000] --log-opt mode has no effect\n"
            "WARN[0000] --log-opt env has no effect: the log driver none has no fields\n"
        )
    form = (
        '{{join .Config.Healthcheck.Test "|"}} {{json .Config.StartupHealthCheck.Interval}}'
        " {{.Config.Healthcheck.Interval}} {{.HostConfig.LogConfig.Type}}"
    )
    names = [f"c{number}" for number in range(len(forms))]
    seen = loaded("inspect", "--format", form, *names).stdout.splitlines()
    assert seen == [f"{'|'.join(words)} 7000000000 30s none" for words in forms.values()]
