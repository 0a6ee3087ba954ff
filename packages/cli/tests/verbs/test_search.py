"""`rundlet search`, beside podman on the same registry."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools.registry import push

if TYPE_CHECKING:
    from devtools.peers import Podman
    from devtools.registry import Registry
    from devtools.tool import Rundlet

PLAIN = "--tls-verify=false"


@pytest.fixture
def filled(registry: Registry, image_layout: Path) -> str:
    """The host of a registry with two repositories."""
    push(image_layout, "busybox", f"{registry.host}/team/search-one:1")
    push(image_layout, "busybox", f"{registry.host}/team/search-one:2")
    push(image_layout, "busybox", f"{registry.host}/search-two:latest")
    return registry.host


def same(ours: str, theirs: str) -> None:
    """The same but for how wide columns are."""
    assert re.sub(" +", " ", ours) == re.sub(" +", " ", theirs)


@pytest.mark.parametrize(
    "words",
    [
        ["HOST/search"],
        ["HOST/nosuch"],
        ["--limit", "1", "HOST/search"],
        ["--format", "json", "HOST/search-two"],
        ["--compatible", "HOST/search"],
        ["--format", "{{.Index}}|{{.Name}}|{{.Stars}}|{{.Official}}", "HOST/search"],
        ["--filter", "is-official", "HOST/search"],
        ["--filter", "stars=1", "HOST/search"],
        ["--list-tags", "HOST/team/search-one"],
        ["--list-tags", "--limit", "1", "HOST/team/search-one"],
        ["--list-tags", "--format", "json", "HOST/team/search-one"],
    ],
)
def test_as_podman(rundlet: Rundlet, podman: Podman, filled: str, words: list[str]) -> None:
    given = [word.replace("HOST", filled) for word in words]
    ours = rundlet("search", PLAIN, *given)
    theirs = podman("search", PLAIN, *given)
    if "--filter" in words:  # podman 4.3 lets all through
        assert ours.stdout == ""
    else:
        same(ours.stdout, theirs.stdout)


def test_all_of_a_registry(rundlet: Rundlet, filled: str) -> None:
    lines = rundlet("search", PLAIN, "--limit", "1000", f"{filled}/").stdout.splitlines()
    names = {line.split()[0] for line in lines[1:]}
    assert {f"{filled}/team/search-one", f"{filled}/search-two"} <= names
    form = "{{.Name}} {{.Tag}} {{.Index}}{{.Stars}}"  # podman 4.3 has no templates for tags
    done = rundlet("search", PLAIN, "--list-tags", "--format", form, f"{filled}/search-two")
    assert done.stdout == f"{filled}/search-two latest 0\n"


def test_a_term_goes_to_the_search_registries(
    rundlet: Rundlet, filled: str, tmp_path: Path
) -> None:
    conf = tmp_path / "registries.conf"
    conf.write_text(f'unqualified-search-registries = ["{filled}", "localhost:1"]\n')
    rundlet.environment["CONTAINERS_REGISTRIES_CONF"] = str(conf)
    done = rundlet("search", "--format", "json", "search-two")
    assert [one["Name"] for one in json.loads(done.stdout)] == [f"{filled}/search-two"]
    assert 'couldn\'t search registry "localhost:1"' in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["localhost:1/x"], "connection refused"),
        (["--list-tags", "HOST/nosuch"], "nosuch"),
        (["--filter", "x=1", "HOST/x"], 'invalid filter type "x=1"'),
        (["--filter", "stars=many", "HOST/x"], "incorrect value type for stars filter"),
        (["--list-tags", "--filter", "stars=1", "HOST/x"], "not applicable to list tags"),
        (["docker.io/"], "a term is needed"),
    ],
)
def test_errors(rundlet: Rundlet, filled: str, words: list[str], message: str) -> None:
    given = [word.replace("HOST", filled) for word in words]
    done = rundlet("search", PLAIN, *given, check=False)
    assert done.returncode == 125
    assert message in done.stderr.replace("C", "c")
