"""What kind of file a file is, by how it begins.

A part of the WHATWG's "MIME Sniffing" standard: the kinds that podman tells apart too, for the
media type of an artifact's file.
"""

from __future__ import annotations

LOOKED_AT = 512
"""Bytes of the beginning that count."""

BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\xfe\xff", "text/plain; charset=utf-16be"),
    (b"\xff\xfe", "text/plain; charset=utf-16le"),
    (b"\xef\xbb\xbf", TEXT),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\x00\x00\x02\x00", "image/x-icon"),
    (b"BM", "image/bmp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"OggS\x00", "application/ogg"),
    (b"MThd\x00\x00\x00\x06", "audio/midi"),
    (b"ID3", "audio/mpeg"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"\x00\x01\x00\x00", "font/ttf"),
    (b"OTTO", "font/otf"),
    (b"ttcf", "font/collection"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x1f\x8b\x08", "application/x-gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!\x1a\x07\x00", "application/x-rar-compressed"),
    (b"Rar!\x1a\x07\x01\x00", "application/x-rar-compressed"),
    (b"\x00asm", "application/wasm"),
)
_RIFF = {b"WEBPVP": "image/webp", b"WAVE": "audio/wave", b"AVI ": "video/avi"}
_TAGS = tuple(
    f"<{tag}".encode()
    for tag in (
        "!DOCTYPE HTML", "HTML", "HEAD", "SCRIPT", "IFRAME", "H1", "DIV", "FONT", "TABLE", "A",
        "STYLE", "TITLE", "B", "BODY", "BR", "P",
    )
)  # fmt: skip
_SPACE = b"\t\n\x0c\r "
_NOT_IN_TEXT = frozenset((*range(0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)))


def kind(start: bytes) -> str:
    """The media type of a file that begins so."""
    start = start[:LOOKED_AT]
    words = start.lstrip(_SPACE)
    if _is_html(words):
        return "text/html; charset=utf-8"
    if words.startswith(b"<?xml"):
        return "text/xml; charset=utf-8"
    for beginning, found in _BEGINNINGS:
        if start.startswith(beginning):
            return found
    if start.startswith(b"RIFF"):
        for mark, found in _RIFF.items():
            if start[8:].startswith(mark):
                return found
    if start[4:8] == b"ftyp" and start[8:11] == b"mp4":
        return "video/mp4"
    return BINARY if _NOT_IN_TEXT.intersection(start) else TEXT


def _is_html(words: bytes) -> bool:
    upper = words.upper()
    if words.startswith(b"<!--"):
        return True
    return any(
        upper.startswith(tag) and words[len(tag) : len(tag) + 1] in (b" ", b">") for tag in _TAGS
    )
