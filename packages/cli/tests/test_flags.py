"""Every flag of Debian's podman is here too, or in one table with the issue that brings it."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from importlib.metadata import entry_points

import pytest

from devtools.fixtures import needs
from rundlet.cli.program import PROGRAM
from rundlet.core.commands.declare import Flag, Option, Verb

_PODS = {"init-ctr": "issue 5: pods"}
LATER: dict[str, dict[str, str]] = {
    "container create": _PODS,
    "create": _PODS,
}
"""What is not there yet, and what brings it."""

_LINE = re.compile(r"^ +(?:-(?P<short>\w), )?--(?P<name>[\w-]+)(?P<rest>.*)$")
_TYPE = re.compile(r"^ (?P<type>\S+(?: or \S+)?)  ")


@cache
def _verbs() -> dict[str, Verb]:
    """Our verbs by the words they are called with; those of other packages have no podman."""
    found = {}
    for entry in entry_points(group="rundlet.commands"):
        declared = entry.load()
        if isinstance(declared, Verb):
            found[entry.name.replace(".", " ")] = declared
    return found


def _podman(verb: str) -> dict[str, tuple[str, bool, str]] | None:
    """podman's flags: name to (short letter, takes a value, default); None: no such verb there."""
    needs("podman")
    words = verb.split()
    done = subprocess.run(["podman", *words, "--help"], capture_output=True, text=True, check=False)
    usage = done.stdout.partition("Usage:")[2].strip().splitlines()
    if done.returncode != 0 or not usage or "[command]" in usage[0] or "COMMAND" in usage[0][:20]:
        return None
    if len(usage[0].split()) < 1 + len(words) or usage[0].split()[1] != words[0]:
        return None
    flags = {}
    for line in done.stdout.partition("Options:")[2].splitlines():
        match = _LINE.match(line)
        if match:
            default = re.search(r"\(default (.*?)\)$", line)
            takes = _TYPE.match(match["rest"]) is not None
            text = default[1].strip('"') if default else ""
            flags[match["name"]] = (match["short"] or "", takes, text)
    return flags


def _ours(verb: Verb) -> dict[str, Flag | Option]:
    found: dict[str, Flag | Option] = {}
    for option in verb.options:
        for name in (option.name, *getattr(option, "aliases", ())):
            found[name] = option
    return found


@pytest.mark.parametrize("name", sorted(_verbs()))
def test_flags_are_podmans(name: str) -> None:
    """Each is here or announced, is spelled and takes a value as podman's, and has its default.

    One test of a verb: podman is asked once.
    """
    theirs = _podman(name)
    if theirs is None:
        pytest.skip("podman has no such verb")
    ours, later = _ours(_verbs()[name]), LATER.get(name, {})
    missing = set(theirs) - set(ours) - set(later) - {"help"}
    wrong = [f"there is no --{flag}" for flag in sorted(missing)]
    wrong += [f"--{flag} is announced, but here: take it from the table" for flag in later
              if flag in ours]  # fmt: skip
    for flag, (short, takes, default) in theirs.items():
        mine = ours.get(flag)
        if mine is None:
            continue
        if short and mine.short != short:
            wrong.append(f"--{flag} is -{short}")
        if takes != isinstance(mine, Option):
            wrong.append(f"--{flag} {'takes a' if takes else 'has no'} value")
        # None: the settings say. Words instead of a value: podman's own remark.
        if mine.default is None or default in ("", "[]") or " " in default:
            continue
        value = str(mine.default).lower() if isinstance(mine, Flag) else mine.default
        if value != default:
            wrong.append(f"--{flag} is {default!r} by default, not {value!r}")
    assert not wrong, f"{name}: {'; '.join(wrong)}"


def test_podmans_global_flags_are_here() -> None:
    needs("podman")
    text = subprocess.run(["podman", "--help"], capture_output=True, text=True, check=True).stdout
    found = (_LINE.match(line) for line in text.partition("Options:")[2].splitlines())
    theirs = {match["name"] for match in found if match}
    ours = {option.name for option in PROGRAM.options}
    assert theirs - ours <= {"help"}
