"""SPDY/3.1 framing (draft-mbelshe-httpbis-spdy-00), as much of it as kubectl and kubelet speak.

Without bytes going in or out: `receive` gives what frames say, the `..._frame` methods give
what to send. Flow control is not done: the other side, Go's spdystream, does none either.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

from rundlet.core.value import Value

FIN = 0x01
LARGEST_FRAME = 1 << 20
"""Bytes; a peer that sends more in one frame than any client does is not listened to."""
_LARGEST_HEADERS = 1 << 16
_VERSION = 3
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY = 1, 2, 3, 6, 7

# Section 2.6.10.1: words with their lengths before them, then text without.
_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language"
    " accept-ranges age allow authorization cache-control connection content-base"
    " content-encoding content-language content-length content-location content-md5"
    " content-range content-type date etag expect expires from host if-match"
    " if-modified-since if-none-match if-range if-unmodified-since last-modified location"
    " max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after"
    " server te trailer transfer-encoding upgrade user-agent vary via warning"
    " www-authenticate method get status"
)
_MORE = ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
    "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
    "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00"
    " Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
    "application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age="
    "gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = (
    b"".join(struct.pack(">I", len(word)) + word.encode() for word in (*_WORDS.split(), *_MORE))
    + _TEXT.encode()
)


class ProtocolError(Exception):
    """The peer does not speak SPDY/3.1 as it should; the connection is of no more use."""


class Opened(Value):
    """The peer has opened a stream. fin: it will send nothing on it."""

    stream: int
    headers: Mapping[str, str]
    fin: bool = False


class Data(Value):
    """Bytes of a stream. fin: the last ones."""

    stream: int
    data: bytes
    fin: bool = False


class Reset(Value):
    """The peer has given a stream up."""

    stream: int


class Ping(Value):
    """To be answered with `ping_frame` of the same number."""

    number: int


class Goaway(Value):
    """The peer opens no more streams."""


Event = Opened | Data | Reset | Ping | Goaway


class Connection:
    """One end of a connection, of the server unless said."""

    def __init__(self) -> None:
        self._unread = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def receive(self, data: bytes) -> Iterator[Event]:
        """What whole frames say. Raises ProtocolError."""
        self._unread += data
        while len(self._unread) >= 8:
            head, flags_length = struct.unpack_from(">II", self._unread)
            flags, length = flags_length >> 24, flags_length & 0xFFFFFF
            if length > LARGEST_FRAME:
                raise ProtocolError(f"a frame of {length} bytes")
            if len(self._unread) < 8 + length:
                return
            payload = bytes(self._unread[8 : 8 + length])
            del self._unread[: 8 + length]
            if head >> 31:
                yield from self._control(head, flags, payload)
            else:
                yield Data(head & 0x7FFFFFFF, payload, bool(flags & FIN))

    def _control(self, head: int, flags: int, payload: bytes) -> Iterator[Event]:
        version, kind = head >> 16 & 0x7FFF, head & 0xFFFF
        if version != _VERSION:
            raise ProtocolError(f"version {version} of SPDY")
        try:
            if kind == _SYN_STREAM:
                (stream,) = struct.unpack_from(">I", payload)
                headers = self._headers(payload[10:])
                yield Opened(stream & 0x7FFFFFFF, headers, bool(flags & FIN))
            elif kind == _SYN_REPLY:
                self._headers(payload[4:])  # the compressor's state goes on over all of them
            elif kind == _RST_STREAM:
                yield Reset(struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF)
            elif kind == _PING:
                yield Ping(struct.unpack_from(">I", payload)[0])
            elif kind == _GOAWAY:
                yield Goaway()
        except struct.error as error:
            raise ProtocolError(f"a control frame is too short: {error}") from error

    def _headers(self, block: bytes) -> dict[str, str]:
        """Names and values of a block (section 2.6.10)."""
        try:
            data = self._inflate.decompress(block, _LARGEST_HEADERS)
        except zlib.error as error:
            raise ProtocolError(f"headers: {error}") from error
        if self._inflate.unconsumed_tail:
            raise ProtocolError("headers are too large")
        (count,) = struct.unpack_from(">I", data)
        position, found = 4, {}
        for _ in range(count):
            name, position = _string(data, position)
            value, position = _string(data, position)
            found[name.lower()] = value
        return found

    def syn_stream_frame(
        self, stream: int, headers: Mapping[str, str], *, fin: bool = False
    ) -> bytes:
        """Open a stream (a client's have odd numbers)."""
        body = struct.pack(">IIH", stream, 0, 0) + self._block(headers)
        return _control_frame(_SYN_STREAM, FIN if fin else 0, body)

    def reply_frame(self, stream: int) -> bytes:
        """Accept a stream."""
        return _control_frame(_SYN_REPLY, 0, struct.pack(">I", stream) + self._block({}))

    def _block(self, headers: Mapping[str, str]) -> bytes:
        data = struct.pack(">I", len(headers))
        for pair in headers.items():
            for text in pair:
                data += struct.pack(">I", len(text)) + text.encode()
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def data_frame(stream: int, data: bytes, *, fin: bool = False) -> bytes:
    """Bytes of a stream, at most 16 MiB less one."""
    return struct.pack(">II", stream, (FIN if fin else 0) << 24 | len(data)) + data


def ping_frame(number: int) -> bytes:
    """The answer to a ping."""
    return _control_frame(_PING, 0, struct.pack(">I", number))


def goaway_frame(last: int) -> bytes:
    """All is done. last: the last stream that was accepted."""
    return _control_frame(_GOAWAY, 0, struct.pack(">II", last, 0))


def _control_frame(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack(">II", 1 << 31 | _VERSION << 16 | kind, flags << 24 | len(body)) + body


def _string(data: bytes, position: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">I", data, position)
    end = position + 4 + length
    if end > len(data):
        raise ProtocolError("a header is longer than its frame")
    return data[position + 4 : end].decode(errors="replace"), end
