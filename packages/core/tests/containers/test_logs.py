"""The log reader, against a writer of the format."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.containers.logs import Joiner, LogLine, nanoseconds, tail

WHEN = "2026-11-23T15:04:05.123456789+00:00"

texts = st.text(alphabet="ab FP\r", max_size=12).map(str.encode)
pieces = st.lists(texts, max_size=3)
written = st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), pieces, texts), max_size=30)


def write(lines: list[tuple[str, list[bytes], bytes]]) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The file conmon would write, and the lines that are in it."""
    data, expected = b"", []
    for stream, parts, last in lines:
        for part in parts:
            data += f"{WHEN} {stream} P ".encode() + part + b"\n"
        data += f"{WHEN} {stream} F ".encode() + last + b"\n"
        expected.append((stream, b"".join([*parts, last])))
    return data, expected


def plain(lines: list[LogLine]) -> list[tuple[str, bytes]]:
    return [(line.stream, line.text) for line in lines]


@given(written)
def test_pieces_are_joined(lines) -> None:
    data, expected = write(lines)
    joiner = Joiner()
    assert plain([line for r in data.split(b"\n") for line in joiner.add(r)]) == expected
    assert list(joiner.rest()) == []


@given(written, st.integers(0, 40))
def test_tail_is_the_end_of_all(lines, count: int) -> None:
    data, expected = write(lines)
    file = io.BytesIO(data)
    assert plain(tail(file, count, Joiner())) == (expected[-count:] if count else [])
    assert file.tell() == len(data)


def test_tail_of_a_long_file_reads_its_end_only() -> None:
    class Counting(io.BytesIO):
        read_bytes = 0

        def read(self, size=-1):
            data = super().read(size)
            self.read_bytes += len(data)
            return data

    line = f"{WHEN} stdout F {'x' * 80}\n".encode()
    file = Counting(line * 100_000)
    assert len(tail(file, 10, Joiner())) == 10
    assert file.read_bytes < 100_000


def test_tail_over_a_line_of_many_pieces() -> None:
    piece = f"{WHEN} stdout P {'x' * 4096}\n".encode()
    data = f"{WHEN} stdout F first\n".encode() + piece * 100 + f"{WHEN} stdout F end\n".encode()
    (line,) = tail(io.BytesIO(data), 1, Joiner())
    assert len(line.text) == 4096 * 100 + 3


def test_an_unfinished_record_is_left_for_later() -> None:
    data = f"{WHEN} stdout F a\n{WHEN} stdout F hal".encode()
    file = io.BytesIO(data)
    assert plain(tail(file, 5, Joiner())) == [("stdout", b"a")]
    assert file.read() == f"{WHEN} stdout F hal".encode()


@given(st.binary(max_size=60))
def test_nonsense_does_not_break_it(data: bytes) -> None:
    joiner = Joiner()
    for record in data.split(b"\n"):
        list(joiner.add(record))
    list(joiner.rest())


def test_times() -> None:
    assert nanoseconds("1970-01-01T00:00:01.000000002Z") == 10**9 + 2
    assert nanoseconds("1970-01-01T01:00:00.5+01:00") == 500_000_000
    assert nanoseconds("1970-01-01T00:00:07Z") == 7 * 10**9
    assert nanoseconds("1969-12-31T19:00:07-05:00") == 7 * 10**9
    assert nanoseconds("nonsense") == 0
