"""docs/buildah.md tells of every verb and flag, ours, Debian's buildah's and the newest one's."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from devtools import buildah_page
from devtools.fixtures import needs
from rundlet.build.main import PROGRAM
from rundlet.core.commands.declare import Flag, Option

_FLAG = re.compile(r"^ +(?:-(?P<short>\w), )?--(?P<name>[\w-]+)", re.MULTILINE)


def buildahs(path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """The verbs of Debian's buildah by the words that are typed, with their help."""
    text = subprocess.run(["buildah", *path, "--help"], capture_output=True, text=True).stdout
    listed = text.partition("Available Commands:")[2].partition("\n\n")[0]
    names = [line.split()[0] for line in listed.splitlines() if line.strip()]
    if not names:
        yield " ".join(path), text.partition("\nFlags:")[2]
    for name in names:
        if name != "help":
            yield from buildahs((*path, name))


def flags(options: tuple[Flag | Option, ...]) -> dict[str, str]:
    found = {option.name: option.short for option in options}
    for option in options:
        found.update(dict.fromkeys(getattr(option, "aliases", ()), option.short))
    return found


def test_the_page_is_current() -> None:
    assert buildah_page.PAGE.read_text() == buildah_page.page(), (
        "run: python -m devtools.buildah_page"
    )


@pytest.mark.timeout(120)
def test_every_verb_and_flag_of_debians_buildah() -> None:
    needs("buildah")
    ours = buildah_page.verbs()
    everywhere = flags(PROGRAM.options)
    found = dict(buildahs())
    assert len(found) > 25
    missing = [verb for verb in found if verb not in ours]
    for verb, text in found.items():
        known = {"help": "h", **everywhere, **flags(ours[verb].options)} if verb in ours else {}
        for match in _FLAG.finditer(text):
            short = match["short"] or ""
            if match["name"] not in known or short not in ("", known[match["name"]]):
                missing.append(f"{verb} --{match['name']} -{short}")
    assert missing == []


def test_every_flag_of_the_newest_manual() -> None:
    verbs = buildah_page.verbs()
    missing = {
        verb: sorted(set(names) - set(flags(verbs[verb].options)))
        for verb, names in buildah_page.NEWER.items()
    }
    assert {verb: names for verb, names in missing.items() if names} == {}


def test_what_is_said_of_flags_is_said_of_flags() -> None:
    verbs = buildah_page.verbs()
    for verb, name in (*buildah_page.DIFFERS, *buildah_page.OURS):
        assert name in flags(verbs[verb].options), (verb, name)
    assert set(buildah_page.LEFT_OUT) & set(verbs) == set()
    assert re.findall(r"(differs|left out|own): *\|", buildah_page.page()) == []
