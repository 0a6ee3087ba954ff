"""Log drivers: rotation by size and count, the journal, none and passthrough."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from devtools.tool import Rundlet

JOURNALD = "/lib/systemd/systemd-journald"


def test_only_so_many_files_are_kept(loaded: Rundlet) -> None:
    script = "for i in $(seq 12); do seq 400; sleep 0.25; done"
    flags = ("--log-opt", "max-size=8k", "--log-opt", "max-file=3")
    loaded("run", "--name", "c", "--network=none", *flags, "busybox", "sh", "-c", script)
    names = {path.name for path in loaded.directory.glob("root/containers/*/ctr.log*")}
    # Without ctr.log where the container ended before its monitor had opened a new one.
    assert {"ctr.log.1", "ctr.log.2"} <= names <= {"ctr.log", "ctr.log.1", "ctr.log.2"}
    lines = [int(line) for line in loaded("logs", "c").stdout.split()]
    assert lines[-400:] == list(range(1, 401))


def test_inspect_tells_the_size_and_where(loaded: Rundlet) -> None:
    form = ("inspect", "-f", "{{.HostConfig.LogConfig.Size}} {{.HostConfig.LogConfig.Path}}")
    for flags, seen in {
        ("--log-opt", "max-size=3.017m"): r"3\.017MB /.*/ctr.log\n",
        ("--log-driver", "none"): r"0B \n",
    }.items():
        loaded("create", "--replace", "--name", "c", *flags, "busybox")
        assert re.fullmatch(seen, loaded(*form, "c").stdout)


def test_drivers_that_keep_nothing(loaded: Rundlet) -> None:
    for driver in ("none", "passthrough"):
        words = ("run", "--name", driver, "--network=none", "--log-driver", driver)
        assert loaded(*words, "busybox", "echo", "hi").stdout == "hi\n"
        done = loaded("logs", driver, check=False)
        assert (done.returncode, "cannot read logs" in done.stderr) == (125, True)
    words = ("run", "-d", "--name", "c", "--network=none", "--log-driver=passthrough")
    subprocess.run(
        ["rundlet", *words, "busybox", "sleep", "100"],
        env=loaded.environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    assert "cannot attach" in loaded("attach", "c", check=False).stderr


def test_journald_that_is_not_there_is_named(loaded: Rundlet) -> None:
    if os.path.exists("/run/systemd/journal/socket"):
        pytest.skip("there is a journald")
    words = ("run", "--rm", "--network=none", "--log-driver=journald", "busybox", "true")
    done = loaded(*words, check=False)
    assert (done.returncode, "no journald listens here" in done.stderr) == (125, True)


# Debian's has no --log-label: one that has, and tells what it would have written.
_NEWER_CONMON = """\
#!/bin/bash
[ "$1" = --help ] && exec echo --log-label
words=()
while [ $# -gt 0 ]; do
    if [ "$1" = --log-label ]; then echo "$2" >>"$0.told"; shift; else words+=("$1"); fi
    shift
done
exec conmon "${words[@]}"
"""
_WITH_JOURNAL = f"""\
mount -t tmpfs none /run/systemd && mkdir -p /run/systemd/journal /run/log && \
mount -t tmpfs none /run/log && mkdir /run/log/journal || exit 1
{JOURNALD} & journald=$!
until [ -e /run/systemd/journal/socket ]; do sleep 0.1; done
"$@"; code=$?
kill $journald; wait $journald
rundlet run --rm --network none --log-driver journald busybox true
exit $code
"""


def test_the_journal_is_read_and_followed(loaded: Rundlet) -> None:
    if not os.path.exists(JOURNALD):
        pytest.skip("systemd-journald is not installed")
    words = "rundlet run --network none --log-driver journald --name"
    loaded.environment["HOME"] = str(loaded.directory)
    inside = f"""
{words} a busybox sh -c 'echo one; echo two >&2; printf part' >/dev/null 2>&1
{words} b -d busybox sh -c 'for i in 1 2 3; do echo $i; sleep 0.5; done' >/dev/null
rundlet logs a; echo
rundlet logs --tail 1 a; echo
rundlet logs -f b
{words} c --log-opt tag='x/{{{{.Name}}}}' busybox sh -c 'printf %09000d 7; echo' >/dev/null
rundlet logs c | wc -c
journalctl -o cat --output-fields=CONTAINER_TAG CONTAINER_NAME=c | head -n 1
echo '[containers]
log_driver = "journald"
log_tag = "of-all"' >$HOME/containers.conf
export CONTAINERS_CONF=$HOME/containers.conf
rundlet run --network none --name d busybox echo four >/dev/null
rundlet inspect -f '{{{{.HostConfig.LogConfig.Type}}}}' d
rundlet logs --since 1h d
rundlet logs --until 1h d
journalctl -o cat --output-fields=CONTAINER_TAG CONTAINER_NAME=d
{words} e --log-opt label=A=1 busybox true 2>&1 | grep -o 'label has no .*'
{words} f --log-opt label=a=1 busybox true 2>&1 | grep -o 'label=a=1: .*'
{words.replace("rundlet", "rundlet --conmon $HOME/conmon")} g \
    --log-opt label=IMAGE='{{{{.ImageName}}}}' --log-opt label=B=2 --log-opt labels=app.name,none \
    --log-opt env=_MODE -e _MODE=fast --label app.name=web busybox true; cat $HOME/conmon.told
"""
    conmon = loaded.directory / "conmon"
    conmon.write_text(_NEWER_CONMON)
    conmon.chmod(0o755)
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", _WITH_JOURNAL, "sh",
         "sh", "-c", inside],
        env=loaded.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = ["one", "part", "part", "1", "2", "3", "9001", "x/c", "journald", "four", "four",
             "of-all", "label has no effect: this conmon is too old for it (no --log-label)",
             "label=a=1: must be FIELD=VALUE", "APP_NAME=web", "MODE=fast",
             "IMAGE=localhost/busybox:latest", "B=2"]  # fmt: skip
    assert [line for line in done.stdout.splitlines() if line] == lines, done
    assert done.stderr.startswith("two\nError: --log-driver journald: no journald listens here")
