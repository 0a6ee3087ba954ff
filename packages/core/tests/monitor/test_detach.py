from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import InvalidArgument
from rundlet.core.monitor.detach import DEFAULT, Detector, keys


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEFAULT, b"\x10\x11"),
        ("", b""),
        ("a", b"a"),
        ("ctrl-@", b"\0"),
        ("ctrl-[", b"\x1b"),
        ("ctrl-\\,ctrl-],ctrl-^,ctrl-_", b"\x1c\x1d\x1e\x1f"),
        ("CTRL-A,b,ctrl-c", b"\x01b\x03"),
    ],
)
def test_notation(text: str, expected: bytes) -> None:
    assert keys(text) == expected


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-1", "ab", "ctrl-p,,ctrl-q", "é", ","])
def test_bad_notation(text: str) -> None:
    with pytest.raises(InvalidArgument, match="detach keys"):
        keys(text)


@given(st.binary(max_size=4), st.lists(st.binary(max_size=6), max_size=12))
def test_pieces_are_as_the_whole(sequence: bytes, pieces: list[bytes]) -> None:
    """However the input is cut: what is before the sequence is passed on, in order, once."""
    detector = Detector(sequence)
    passed, typed = b"", False
    for piece in pieces:
        ready, typed = detector.feed(piece)
        passed += ready
        if typed:
            break
    whole = b"".join(pieces)
    found = whole.find(sequence) if sequence else -1
    if found < 0:
        assert not typed
        assert passed + detector.rest() == whole
    else:
        assert typed
        assert passed == whole[:found]


def test_a_prefix_is_held_back_only_while_it_may_complete() -> None:
    detector = Detector(b"\x10\x11")
    assert detector.feed(b"a\x10") == (b"a", False)
    assert detector.feed(b"\x10") == (b"\x10", False)
    assert detector.feed(b"b") == (b"\x10b", False)
