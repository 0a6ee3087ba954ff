"""TAB in real shells: names of things, values of flags, and what they are offered from."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs
from devtools.terminal import Terminal
from devtools.tool import Rundlet
from rundlet.cli.program import PROGRAM
from rundlet.cli.suggested import FIELDS, FILTERS, INSPECTED, SUGGESTED, with_those_below
from rundlet.core.commands.declare import Option, Verb
from rundlet.core.commands.names import NAMES
from rundlet.core.commands.verbs import Verbs

SHELLS = {
    "bash": (["bash", "--norc", "-i"], "source <(rundlet completion bash)"),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -U compinit; compinit -u -D; source <(rundlet completion zsh)",
    ),
    "fish": (["fish", "--no-config", "-i"], "rundlet completion fish | source"),
}
TYPED = {
    "exec one": "<exec><one-box>",
    "run --network container:one": "<run><--network><container:one-box>",
    "run --network=net": "<run><--network=net-of-mine>",
    "network connect net-of-mine one": "<network><connect><net-of-mine><one-box>",
    "secret rm se": "<secret><rm><secret-of-mine>",
    "run --rm busy": "<run><--rm><busybox:latest>",
    "ps --filter sta": "<ps><--filter><status=>",
    "ps --format '{{.CreatedH": "<ps><--format><{{.CreatedHuman}}>",
    "cp one": "<cp><one-box:>",
    "cp one-box:": "<cp><one-box:/>",
    "cp one-box:/bi": "<cp><one-box:/bin/>",
    "cp /x one-box:/etc/pass": "<cp></x><one-box:/etc/passwd>",
    "cp two:/ro": "<cp><two:/root/>",
    "run --network='net": "<run><--network=net-of-mine>",
    'ps --format="{{.CreatedH': "<ps><--format={{.CreatedHuman}}>",
    "load -i /etc/hostn": "<load><-i></etc/hostname>",
    "ps --format '{{.ID}} {{.CreatedH": "<ps><--format><{{.ID}} {{.CreatedHuman}}>",
    'ps --format "table {{.ID}} {{.CreatedH': "<ps><--format><table {{.ID}} {{.CreatedHuman}}>",
    "ps --format='{{.ID}} {{.CreatedH": "<ps><--format={{.ID}} {{.CreatedHuman}}>",
    "ps -f status=runn": "<ps><-f><status=running>",
    "ps -fstatus=runn": "<ps><-fstatus=running>",
    "ps -f 'status=runn": "<ps><-f><status=running>",
    "inspect -f '{{.State.Pi": "<inspect><-f><{{.State.Pid}}>",
    "cp one-box:/od": "<cp><one-box:/odd $name's>",
    r"cp one-box:/odd\ \$na": "<cp><one-box:/odd $name's>",
    "cp 'one-box:/odd $na": "<cp><one-box:/odd $name's>",
    'cp "one-box:/odd ': "<cp><one-box:/odd $name's>",
    "cp /etc/hostn": "<cp></etc/hostname>",
    "run -v /etc/hostn": "<run><-v></etc/hostname>",
    "run -v vol": "<run><-v><volume-of-mine:>",
    "load -i '/etc/hostn": "<load><-i></etc/hostname>",
    "stop ": "<stop><one-box>",
    "start ": "<start><two>",
}


@pytest.fixture
def store(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> Rundlet:
    """One of each kind; whoever draws prompts by the terminal's powers has none here."""
    (tmp_path / "net.d").mkdir()
    settings = tmp_path / "rundlet.toml"
    settings.write_text(f'network_config_dirs = ["{tmp_path}/net.d"]\n')
    rundlet.environment |= {"TERM": "dumb", "HOME": str(tmp_path), "RUNDLET_CONF": str(settings)}
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("run", "-d", "--network", "none", "--name", "one-box", "busybox", "sleep", "300")
    rundlet("exec", "one-box", "touch", "/odd $name's")
    rundlet("create", "--name", "two", "busybox")
    rundlet("network", "create", "net-of-mine")
    rundlet("volume", "create", "volume-of-mine")
    (tmp_path / "secret").write_text("s")
    rundlet("secret", "create", "secret-of-mine", str(tmp_path / "secret"))
    return rundlet


@pytest.mark.parametrize("shell", SHELLS)
def test_tab(store: Rundlet, shell: str) -> None:
    needs(shell)
    words, setup = SHELLS[shell]
    terminal = Terminal(store, *words)
    terminal.resize(50, 200)
    terminal.type(f"{setup}\n")
    try:
        for typed, meant in TYPED.items():
            terminal.type(f"rundlet {typed}\t")
            terminal.until(re.findall(r"[\w.-]+", meant)[-1], 10)  # quoted as the shell likes
            # Back to the start of the line, to see the words as the shell has them.
            terminal.type("\x01printf '<%s>' \n")
            terminal.until(re.escape(f"<rundlet>{meant}"), 10)
    finally:
        os.kill(terminal.pid, signal.SIGKILL)  # whatever it waits for
        terminal.wait()


FITTING = {
    "stop": "one-box", "exec": "one-box", "container checkpoint": "one-box", "attach": "one-box",
    "start": "two ended", "init": "two", "container restore": "ended", "unpause": "",
    "container cleanup": "ended", "rm": "one-box two ended", "cp": "one-box: two: ended:",
    "network connect net-of-mine": "one-box two ended", "network rm": "net-of-mine podman",
    "volume rm": "volume-of-mine", "run -v": "volume-of-mine:", "run --cpus": "", "login": "",
    "secret create -d": "file pass shell", "volume create -d": "image local",
    "secret rm": "secret-of-mine", "rmi": "localhost/busybox:latest", "ps -f pod=": "",
}  # fmt: skip


def test_only_what_fits_the_verb(store: Rundlet) -> None:
    store("run", "--name", "ended", "--network", "none", "busybox", "true")
    for typed, names in FITTING.items():
        words = typed.split() if typed.endswith("=") else [*typed.split(), ""]
        lines = store("__complete", *words).stdout.splitlines()
        offered = {line.split("\t")[0] for line in lines}
        assert offered == set(names.split()), typed


def test_a_tab_makes_no_graph_root(rundlet: Rundlet, tmp_path: Path) -> None:
    """A path may be typed by half."""
    none = tmp_path / "none"
    for typed, names in {"rm": "", "cp": ":files", "inspect": "", "run --runtime": "runc"}.items():
        words = ("__complete", "--root", str(none), "--runroot", str(none / "run"), *typed.split())
        assert names in rundlet(*words, "").stdout, typed
    assert not none.exists()


def verb(name: str) -> Verb:
    found = Verbs(PROGRAM).get(name.replace(" ", "."))
    assert isinstance(found, Verb), name
    return found


def test_what_is_offered_is_declared() -> None:
    for key, values in SUGGESTED.items():
        name, _, option = key.rpartition("--")
        names = [name.strip()] if name else ["run", "kill", "wait", "stop"]
        declared = [one for each in names for one in verb(each).options if one.name == option]
        assert declared and isinstance(declared[0], Option), key
        kinds = {value.partition("<")[2].rstrip(">") for value in values} - {""}
        assert kinds <= set(NAMES), key


def _needed(store: Rundlet) -> dict[str, list[str]]:
    """Arguments with which each list has something to show."""
    return {
        "ps": ["-a", "--size"],
        "stats": ["--no-stream"],
        "events": ["--stream=false", "--since", "1h"],
        "history": ["busybox"],
    }


def test_every_documented_field_is_there(store: Rundlet) -> None:
    arguments = _needed(store)
    store("artifact", "add", "localhost/artifact-of-mine", str(store.directory / "secret"))
    wrong = []
    for name, fields in FIELDS.items():
        if name == "search":
            continue
        form = "\n".join(f"{one}={{{{json .{one}}}}}" for one in fields.split())
        words = [*name.split(), *arguments.get(name, []), "--format", form]
        done = store(*words, check=False)
        if done.returncode or not done.stdout:
            wrong.append(f"{name}: {done.stderr}")
    for name, fields in INSPECTED.items():
        kind = name.split()[0]
        what = {"container": "one-box", "image": "busybox", "network": "net-of-mine",
                "artifact": "localhost/artifact-of-mine"}.get(kind, f"{kind}-of-mine")  # fmt: skip
        every = with_those_below(name, fields.split())
        form = "\n".join(f"{one}={{{{json .{one}}}}}" for one in every)
        done = store(*name.split(), "--format", form, what, check=False)
        if done.returncode:
            wrong.append(f"{name}: {done.stderr}")
    assert not wrong, "\n".join(wrong)


def test_every_documented_filter_is_understood(store: Rundlet) -> None:
    examples: dict[str, Any] = {
        "containers": "one-box", "images": "busybox", "networks": "net-of-mine",
        "volumes": "volume-of-mine", "secrets": "secret-of-mine", "artifacts": "localhost/a:1",
        "pods": "",
    }  # fmt: skip
    texts = {"until=": "1h", "exited=": "0", "digest=": "sha256:0", "event=": "start"}
    arguments = {"events": ["--stream=false"], "ps": ["-a"]}
    wrong = []
    for name, keys in FILTERS.items():
        if name == "search":
            continue
        for key in keys:
            text, _, kind = key.partition("<")
            value = examples[kind.rstrip(">")] if kind else texts.get(text, "")
            value = value or ("x" if text.endswith("=") else "")
            words = [*name.split(), *arguments.get(name, []), "--format", "json"]
            done = store(*words, "--filter", text + value, check=False)
            if done.returncode:
                wrong.append(f"{name} --filter {text}{value}: {done.stderr}")
            elif name != "events":
                json.loads(done.stdout)
    assert not wrong, "\n".join(wrong)


WRONG = ("exited=x", "name=[", "volume ls name=[", "status=up", "restart-policy=odd", "until=soon")


def test_wrong_filters_are_refused(rundlet: Rundlet) -> None:
    rundlet("volume", "create", "v")
    rundlet("create", "--rootfs", str(rundlet.directory), "true")
    for text in WRONG:
        *typed, condition = text.split()
        done = rundlet(*(typed or ["ps", "-a"]), "--filter", condition, check=False)
        assert (done.returncode, "defect" in done.stderr) == (125, False), (text, done.stderr)


def test_filters_of_docker(store: Rundlet) -> None:
    (whole,) = store("ps", "-aq", "--no-trunc", "--filter", "name=/two$").stdout.split()
    named = ("ps", "-a", "--format", "{{.Names}}", "--filter")
    assert store(*named, f"id={whole[:20].upper()}").stdout == "two\n"
    for state in ("dead", "restarting"):
        assert store(*named, f"status={state}").stdout == ""


def test_filters_and_names(store: Rundlet) -> None:
    """Of those that are named, a filter leaves some, under the names that were given."""
    store("create", "--name", "three", "--network=none", "--restart=always", "busybox", "false")
    kept = ("start", "--filter", "restart-policy=none", "two", "three")
    store("rm", "-f", "one-box")
    assert store(*kept).stdout == "two\n"
    done = store("start", "--filter", "name=two", "nobody", check=False)
    assert (done.returncode, done.stdout) == (125, "")
    assert store("stop", "--timeout", "0", "--filter", "name=two", "-i", "nobody").stdout == ""


def test_filters_that_say_not(store: Rundlet) -> None:
    store("create", "--name", "three", "--label", "a", "busybox")
    store("create", "--name", "four", "--label", "b", "busybox")
    names = ("ps", "-a", "--format", "{{.Names}}", "--sort", "names")
    done = store(*names, "--filter", "label!=a", "--filter", "label!=b")
    assert done.stdout.split() == ["one-box", "two"]
    assert store(*names, "-l").stdout.split() == ["four"]
    network = store("network", "inspect", "podman", "-f", "{{.ID}}").stdout.strip()
    for condition in ("network=podman", f"network={network}"):
        assert store(*names, "--filter", condition).stdout.split() == ["four", "three", "two"]
    assert len(store(*names, "--filter", "ancestor=busy.*:la").stdout.split()) == 4
    assert store(*names, "--filter", "ancestor=busy$").stdout == ""
    for condition, count in {"reference!=busybox": 0, "dangling!=true": 1, "label!=a": 1}.items():
        done = store("images", "-q", "--filter", condition)
        assert len(done.stdout.split()) == count, condition
    assert store("network", "ls", "-q", "--filter", "dangling=true").stdout == "net-of-mine\n"
