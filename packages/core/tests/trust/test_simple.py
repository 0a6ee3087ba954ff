"""What a simple signature says, and what makes it void (containers-signature(5))."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import Corrupt, InvalidArgument
from rundlet.core.trust import simple

DIGEST = "sha256:" + "ab" * 32
NAME = "example.com/team/app:1"


def document() -> dict[str, Any]:
    return {
        "critical": {
            "identity": {"docker-reference": NAME},
            "image": {"docker-manifest-digest": DIGEST},
            "type": "atomic container signature",
        },
        "optional": {"creator": "me", "timestamp": 1},
    }


def test_there_and_back() -> None:
    claim = simple.read(simple.payload(DIGEST, NAME))
    assert (claim.digest, claim.identity) == (DIGEST, NAME)
    assert claim.creator.startswith("rundlet ") and claim.timestamp


def test_optional_things() -> None:
    data = document()
    assert simple.read(json.dumps(data).encode()) == simple.Claim(DIGEST, NAME, "me", 1)
    data["optional"] = {"other": True}
    assert simple.read(json.dumps(data).encode()) == simple.Claim(DIGEST, NAME)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("critical", "type"), "another type"),
        (("critical", "more"), 1),
        (("critical", "image", "docker-manifest-digest"), "sha256:12"),
        (("critical", "image", "docker-manifest-digest"), 7),
        (("critical", "identity", "docker-reference"), "UPPER/case"),
        (("critical", "identity", "docker-reference"), None),
        (("critical", "identity", "more"), 1),
        (("more",), 1),
        (("optional",), []),
        (("optional", "creator"), 1),
        (("optional", "timestamp"), True),
        (("optional", "timestamp"), 1.5),
        (("optional", "timestamp"), "1"),
    ],
)
def test_void(path: tuple[str, ...], value: object) -> None:
    data = document()
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(Corrupt, match="signature: "):
        simple.read(json.dumps(data).encode())


@pytest.mark.parametrize("path", [("critical",), ("optional",), ("critical", "type")])
def test_missing(path: tuple[str, ...]) -> None:
    data = document()
    place = data
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    with pytest.raises(Corrupt):
        simple.read(json.dumps(data).encode())


def test_a_key_that_is_there_twice() -> None:
    text = json.dumps(document()).replace('"type":', f'"image": {{"x": "{DIGEST}"}}, "type":')
    with pytest.raises(Corrupt, match="twice"):
        simple.read(text.encode())


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(Corrupt):
        simple.read(data)


@pytest.mark.parametrize(("digest", "name"), [("md5:1", NAME), (DIGEST, "NO"), (DIGEST, "")])
def test_nothing_wrong_is_signed(digest: str, name: str) -> None:
    with pytest.raises(InvalidArgument):
        simple.payload(digest, name)


def test_names() -> None:
    assert simple.same_name("busybox:1", "docker.io/library/busybox:1")
    assert not simple.same_name("busybox", "busybox:latest")
