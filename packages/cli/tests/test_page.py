"""docs/podman.md tells of every verb and flag, ours and podman's."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from devtools import podman_page
from devtools.fixtures import needs


def podmans_verbs(path: tuple[str, ...] = ()) -> Iterator[str]:
    """All verbs that Debian's podman lists, by the words that are typed."""
    done = subprocess.run(["podman", *path, "--help"], capture_output=True, text=True, check=True)
    listed = done.stdout.partition("Available Commands:")[2].partition("\n\n")[0]
    names = [line.split()[0] for line in listed.splitlines() if line.strip()]
    if path and not names:
        yield " ".join(path)
    for name in names:
        yield from podmans_verbs((*path, name))


def test_the_page_is_current() -> None:
    assert podman_page.PAGE.read_text() == podman_page.page(), "run: python -m devtools.podman_page"


@pytest.mark.timeout(120)
def test_every_verb_of_podman_is_here_or_left_out_with_a_reason() -> None:
    needs("podman")
    ours = set(podman_page.verbs()) | {"help"}
    missing = []
    for verb in podmans_verbs():
        words = verb.split()
        left_out = any(" ".join(words[:n]) in podman_page.LEFT_OUT for n in range(1, 4))
        of_build = verb in ("build", "image build") or words[0] == "manifest"
        if verb not in ours and not left_out and not of_build:
            missing.append(verb)
    assert missing == []


def test_nothing_is_said_to_be_left_out_that_is_here() -> None:
    assert set(podman_page.LEFT_OUT) & set(podman_page.verbs()) == set()


def test_what_differs_is_a_flag() -> None:
    verbs = podman_page.verbs()
    flags = {name: {option.name for option in verb.options} for name, verb in verbs.items()}
    everywhere = set().union(*flags.values())
    for verb, flag in podman_page.DIFFERS:
        assert flag in (everywhere if verb == "*" else flags[verb])


def test_the_page_has_no_empty_reason() -> None:
    assert re.findall(r"(differs|left out): *\|", podman_page.page()) == []
