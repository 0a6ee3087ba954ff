"""Everyday commands on containers, one after another, by ours and by Debian's podman in one run.

Exit code and the shape of what is printed are the same, and of JSON documents ours has the keys.
podman here is 4.3; what it has since changed, and ours has as the newest, is made equal first.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devtools.bench.tools import podman_configuration
from devtools.peers import Podman

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devtools.tool import Rundlet

_EQUAL = (
    (r"\b[0-9a-f]{64}\b", "ID64"),
    (r"\b[0-9a-f]{12}\b", "ID12"),
    (r"\b\d+(\.\d+)? ?[kMG]?i?B\b", "SIZE"),
    (r"\d{4}-\d\d-\d\d[T ][\d:.]+( [+-]\d{4} UTC|Z|[+-]\d\d:\d\d)", "TIME"),
    (r"(Less than a second|About a minute|\d+ (seconds?|minutes?|years?))( ago)?", "AGO"),
    (r"\bpodman\b", "rundlet"),
    (r"\d+(\.\d+)?m?s\b", "SECONDS"),
    (r"\bmap\[(role:\w+)?\]", lambda found: (found[1] or "").replace(":", "=")),  # as podman 6
    (r"[ \t]+", " "),
    (r" $", ""),
)

COMMANDS = """\
ps -a
ps -aq
container ls -a --noheading
run --rm --network none busybox echo hello
run --rm --network none busybox sh -c 'exit 7'
run --rm --network none busybox nosuchcommand
run --rm --network none busybox /etc
run --rm --network none nosuch/image/here:1 true
run --rm --nosuchflag busybox
run --network none --name done busybox sh -c 'echo out; echo err >&2; exit 3'
run -d --network none --name up -l role=web -e A=b --hostname hh busybox sleep 1000
create --network none --name made busybox true
create --network none --name made busybox true
ps
ps -a --format '{{.Names}} {{.Image}} {{.Command}} {{.Status}} {{.Ports}}'
ps -a --format '{{.Names}}\\t{{.Labels}}'
ps -a --format 'table {{.Names}} {{.Status}}'
ps -a --filter status=exited --format '{{.Names}}'
ps -a --filter label=role=web --format '{{.Names}}'
ps -a --filter name=ma --format '{{.Names}}'
ps -a --filter exited=3 --format '{{.Names}}'
ps -a --filter bad=1
ps -a --sort names --format '{{.Names}}'
ps -a --sort runningfor --format '{{.Names}}'
ps -n 1 --format '{{.Names}}'
ps -a --format '{{.Names}} {{.Networks}} {{.Created.Year}} {{.MNT}} {{.IsInfra}}' --filter name=made
ps -l --format '{{.Names}}'
logs done
logs --tail 1 done
logs -n done
logs nosuch
exec up echo hi
exec up sh -c 'exit 5'
exec -w /tmp -e X=y up sh -c 'echo $X; pwd'
exec up nosuchcommand
exec done true
exec nosuch true
top up
top up pid comm
top done
port up
port nosuch
wait done
wait nosuch
inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.Name}}' done
inspect -f '{{.Config.Hostname}} {{json .Config.Cmd}} {{.HostConfig.NetworkMode}}' up
inspect -f '{{range .Config.Cmd}}{{.}} {{end}}{{len .Mounts}}' made
inspect -f '{{.Config.Healthcheck}} {{.State.Restored}}' made
inspect -f '{{if .Config.Healthcheck}}a{{else}}b{{end}} {{.Config.Labels}} {{.SizeRw}}' made
inspect -f '{{json .Config.Labels}} {{json .HostConfig.Links}} {{.HostConfig.Links}}' made
image inspect -f '{{.Config.Entrypoint}} {{.Config.Volumes}} {{json .Config.Env}}' busybox
inspect -f '{{.Created.Year}} {{.State.FinishedAt}} {{.Config.Labels.zz}} {{.SizeRw}}' up
inspect -f '{{.ID}} {{.Id}} {{.State.Healthcheck.Status}}' up
inspect nosuch
container exists up
container exists nosuch
pause up
exec up true
unpause up
unpause up
pause done
rename made other
rename other up
rename nosuch x
diff done
start done
start nosuch
restart -t 0 up
stop -t 0 up
stop up
kill up
kill nosuch
start up
kill -s NOSUCH up
kill up
rm nosuch
rm -f nosuch
start up
rm up
rm -f -t 0 up
cp done:/etc/passwd out
cp done:/nosuch out
cp nosuch:/x out
commit -q done localhost/made:1
commit nosuch x
export nosuch
update nosuch
init other
ps -a --format '{{.Names}} {{.Status}}'
images
images -q
images --format '{{.Repository}}:{{.Tag}}'
images --sort repository --format '{{.Repository}}'
images --noheading
images nosuch
images -f dangling=true
images --format '{{.History}} {{.CreatedAt}} {{.Id}} {{.RepoDigests}}' busybox
image inspect -f '{{.Created}} {{.Config.User}} {{.Config.Entrypoint}} {{.RepoDigests}}' busybox
image inspect -f '{{range .History}}{{.CreatedBy}} {{.EmptyLayer}} {{.Created.Unix}}{{end}}' busybox
history --format '{{.ID}} {{.Created}} {{.CreatedAt}} {{.CreatedBy}} {{.Comment}}' busybox
image inspect nosuch
rmi busybox
container prune -f
network ls
network exists podman
network rm nosuch
network inspect nosuch
attach nosuch
healthcheck run nosuch
create --name base --network none busybox sleep 100
create --name leaning --pid container:base --network none busybox true
rm base
rm -f base
rm leaning
rm base
rm -a
ps -aq
system prune -f
""".splitlines()

DOCUMENTS = (
    "inspect up",
    "inspect made",
    "inspect ended",
    "image inspect busybox",
    "volume inspect v",
    "network inspect podman",
    "info -f json",
    "ps -a --format json",
    "images --format json",
    "history --format json busybox",
    "volume ls --format json",
)
GONE = frozenset(("buildahVersion", "slirp4netns", "GoVersion", "Ulimits"))
"""Keys of this podman that a newer one has not, or that are of its program, and those of
limits, which here only the peer is told of."""


class Tools:
    """Ours and the peer, each with the image busybox."""

    def __init__(self, rundlet: Rundlet, podman: Podman, archive: Path, scratch: Path) -> None:
        configuration = str(podman_configuration(scratch))
        self.scratch = scratch
        self.both = (
            (("rundlet",), rundlet.environment),
            ((*podman.command, "--runtime", "runc"),
             {**os.environ, "CONTAINERS_CONF": configuration}),
        )  # fmt: skip
        self.run(("load", "-q", "-i", str(archive)))

    def run(self, words: Sequence[str]) -> list[subprocess.CompletedProcess[str]]:
        return [
            subprocess.run(
                [*command, *words], cwd=self.scratch, env=environment, capture_output=True,
                text=True, stdin=subprocess.DEVNULL, check=False,
            )
            for command, environment in self.both
        ]  # fmt: skip


@pytest.fixture
def tools(rundlet: Rundlet, podman: Podman, busybox_archive: Path, tmp_path: Path) -> Tools:
    return Tools(rundlet, podman, busybox_archive, tmp_path)


def _equal(text: str) -> str:
    for pattern, replacement in _EQUAL:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


@pytest.mark.timeout(600)
def test_a_hundred_commands_look_alike(tools: Tools) -> None:
    assert len(COMMANDS) > 100
    different = []
    for line in COMMANDS:
        ours, theirs = tools.run(shlex.split(line))
        seen = [(done.returncode, _equal(done.stdout)) for done in (ours, theirs)]
        if seen[0] != seen[1]:
            different.append((line, *seen, ours.stderr))
        if ours.returncode == 125:
            assert ours.stderr.startswith("Error: "), line
    assert not different, "\n".join(map(str, different))


def _keys(value: Any, before: str = "") -> set[str]:
    """Names of all fields, by path; of a list those of its first element."""
    if isinstance(value, list):
        value = value[0] if value else {}
    if not isinstance(value, dict):
        return set()
    found = set()
    for key, inner in value.items():
        if key not in GONE:
            found |= {before + key, *_keys(inner, f"{before}{key}.")}
    return found


@pytest.mark.timeout(300)
def test_documents_have_podmans_keys(tools: Tools) -> None:
    words = ("--network", "none", "-l", "a=b")
    up = ("run", "-d", *words, "--name", "up", "-v", "v:/v", "busybox", "sleep", "1000")
    tools.run(up)
    tools.run(("create", "--name", "made", "busybox", "true"))
    tools.run(("run", *words, "--name", "ended", "busybox", "true"))
    missing = {}
    for line in DOCUMENTS:
        ours, theirs = (json.loads(done.stdout) for done in tools.run(shlex.split(line)))
        left = _keys(theirs) - _keys(ours)
        if left:
            missing[line] = sorted(left)
    assert not missing, missing
