"""Flags: those of Debian's skopeo are there, and docs/skopeo.md tells of all and no others."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from devtools.fixtures import needs
from rundlet.core.commands.declare import Flag, Option, Verb
from rundlet.skopeo.main import PROGRAM

PAGE = (Path(__file__).parents[3] / "docs/skopeo.md").read_text()
VERBS: dict[str, Verb] = {
    entry.name: entry.load() for entry in entry_points(group="rundlet.skopeo_commands")
}


def shown(options: tuple[Flag | Option, ...]) -> dict[str, str]:
    """Options by name, with their shorthands."""
    return {option.name: option.short for option in options if not option.hidden}


def theirs(*words: str) -> dict[str, str]:
    """The flags in the help of Debian's skopeo."""
    needs("skopeo")
    text = subprocess.run(
        ["skopeo", *words, "--help"], check=True, capture_output=True, text=True
    ).stdout
    found = re.findall(r"^ +(?:-(\w), )?--([\w.-]+)", text, re.MULTILINE)
    return {name: short for short, name in found if name != "help"}


@pytest.mark.parametrize("verb", VERBS)
def test_flags_of_a_verb(verb: str) -> None:
    if verb in ("version", "generate-sigstore-key"):
        pytest.skip(f"Debian's skopeo has no verb {verb}")
    wanted, ours = theirs(verb), shown(VERBS[verb].options)
    assert {name: ours.get(name) for name in wanted} == wanted


def test_global_flags() -> None:
    assert set(theirs()) <= set(shown(PROGRAM.options))


def test_verbs() -> None:
    needs("skopeo")
    text = subprocess.run(["skopeo", "--help"], check=True, capture_output=True, text=True).stdout
    listed = set(re.findall(r"^  ([\w-]+) {2,}\S", text.partition("Flags:")[0], re.MULTILINE))
    assert listed - {"help"} <= set(VERBS)


def sections() -> dict[str, str]:
    """The page by headings."""
    parts = re.split(r"^## (.*)\n", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_page_has_every_flag() -> None:
    found = sections()
    declared = {name: verb.options for name, verb in VERBS.items()}
    for title, options in {**declared, "Before the verb": PROGRAM.options}.items():
        rows = re.findall(
            r"^\| `--([\w.-]+)`(?:, `-(\w)`)? \| (.*) \|$", found[title], re.MULTILINE
        )
        assert {name: short for name, short, _ in rows} == shown(options), title
        helps = {option.name: option.help for option in options}
        for name, _, text in rows:
            assert text.startswith(helps[name]), f"{title}: --{name}"
