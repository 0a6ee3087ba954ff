"""What kind of file a file is: what the standard says, and podman with it."""

from __future__ import annotations

import pytest

from rundlet.core.artifacts.kinds import kind


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"", "text/plain; charset=utf-8"),
        (b"hello\n", "text/plain; charset=utf-8"),
        ("Gr\xfc\xdfe".encode(), "text/plain; charset=utf-8"),
        (b"\x7fELF\x02\x01\x01\x00", "application/octet-stream"),
        (b"\x1f\x8b\x08\x00", "application/x-gzip"),
        (b"PK\x03\x04rest", "application/zip"),
        (b"%PDF-1.7", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8", "image/webp"),
        (b"\n <!doctype HTML>", "text/html; charset=utf-8"),
        (b"<bold>", "text/plain; charset=utf-8"),
        (b"<?xml version='1.0'?>", "text/xml; charset=utf-8"),
        (b"\x00asm\x01", "application/wasm"),
        (b'{"a": 1}', "text/plain; charset=utf-8"),
        (b"a" * 512 + b"\x00", "text/plain; charset=utf-8"),
    ],
)
def test_kind(start: bytes, expected: str) -> None:
    assert kind(start) == expected
