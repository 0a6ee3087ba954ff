"""What does not match its descriptor never ends well."""

import hashlib
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.content.verify import Verified, verified
from rundlet.core.errors import Corrupt, DigestMismatch, InvalidArgument
from rundlet.core.images.descriptor import Descriptor

DATA = b"some content" * 1000


def digest(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


RIGHT = Descriptor(digest(DATA), len(DATA), "a/type")


def reader(data: bytes, descriptor: Descriptor = RIGHT) -> Verified:
    return Verified(io.BytesIO(data), descriptor, "layer x")


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_right(algorithm: str) -> None:
    stream = reader(DATA, Descriptor(digest(DATA, algorithm), len(DATA)))
    assert not stream.verified
    assert stream.read() == DATA
    assert stream.verified
    assert stream.descriptor.digest == digest(DATA, algorithm)


def test_found_out() -> None:
    stream = reader(DATA, Descriptor("", -1, "a/type"))
    assert stream.read(100) == DATA[:100]
    assert stream.count == 100
    assert stream.finish() == RIGHT


def test_empty() -> None:
    assert reader(b"", Descriptor(digest(b""), 0)).read(1) == b""
    with pytest.raises(Corrupt, match="longer"):
        reader(b"x", Descriptor(digest(b""), 0)).read(1)
    with pytest.raises(DigestMismatch):
        reader(b"", Descriptor(digest(b"x"), 0)).read(1)


def test_wrong_digest() -> None:
    stream = reader(b"X" + DATA[1:])
    with pytest.raises(DigestMismatch, match="layer x: digest mismatch") as caught:
        stream.read()
    assert caught.value.expected == RIGHT.digest


def test_longer_and_shorter() -> None:
    with pytest.raises(Corrupt, match="longer than its 12000 bytes"):
        reader(DATA + b"x").read()
    with pytest.raises(Corrupt, match="ended after 11999 of 12000 bytes"):
        reader(DATA[:-1]).read()
    with pytest.raises(DigestMismatch):
        reader(DATA[:-1], Descriptor(RIGHT.digest)).read()


def test_exact_reads_are_checked() -> None:
    """A consumer that takes exactly the declared size, and never sees the end, has checked it."""
    stream = reader(b"X" + DATA[1:])
    assert stream.read(len(DATA) - 1)
    with pytest.raises(DigestMismatch):
        stream.read(1)


@pytest.mark.parametrize("wrong", [b"X" + DATA[1:], DATA + b"x", DATA[:-1]])
def test_failure_lasts(wrong: bytes) -> None:
    """No later read looks like an end: whoever swallowed the error gets it again."""
    stream = reader(wrong)
    for _ in range(3):
        with pytest.raises(Corrupt):
            stream.read()
    with pytest.raises(Corrupt):
        stream.finish()
    with pytest.raises(Corrupt):
        _ = stream.descriptor
    assert not stream.verified


def test_not_read_to_its_end() -> None:
    stream = reader(DATA)
    stream.read(10)
    assert not stream.verified
    with pytest.raises(Corrupt, match="not read to its end"):
        _ = stream.descriptor


def test_bad_digest() -> None:
    with pytest.raises(InvalidArgument):
        reader(DATA, Descriptor("md5:00"))


def test_nothing_is_hashed_twice() -> None:
    stream: Any = reader(DATA)
    assert verified(stream, Descriptor(RIGHT.digest), "again") is stream
    for other in (Descriptor(""), RIGHT.replace(size=5), RIGHT.replace(digest=digest(b"other"))):
        assert verified(stream, other, "again") is not stream
    stream.read(1)  # not what starts with the first byte any more
    assert verified(stream, RIGHT, "again") is not stream


@given(st.binary(max_size=300), st.binary(max_size=300), st.lists(st.integers(1, 100)))
def test_never_more_and_never_unverified(promised: bytes, sent: bytes, sizes: list[int]) -> None:
    stream: Any = reader(sent, Descriptor(digest(promised), len(promised)))
    taken = b""
    try:
        for size in [*sizes, *[50] * 10]:
            piece = stream.read(size)
            assert len(piece) <= size
            taken += piece
            if not piece:
                break
    except Corrupt:
        assert sent != promised
        assert len(taken) <= len(promised)
        return
    assert taken == promised == sent
    assert stream.verified
