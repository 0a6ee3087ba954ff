"""Messages of the SSH agent protocol (draft-ietf-sshm-ssh-agent): their numbers and strings.

A message is a type and its fields; on a socket its length (4 bytes, big-endian) stands before it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Agent(Protocol):
        """Whoever has keys."""

        def answer(self, message: bytes) -> bytes:
            """The answer to one message; FAILURE for what it does not do."""
            ...


FAILURE = b"\x05"
REQUEST_IDENTITIES, IDENTITIES_ANSWER = 11, 12
SIGN_REQUEST, SIGN_RESPONSE = 13, 14
RSA_SHA2_256, RSA_SHA2_512 = 2, 4
"""Flags of a SIGN_REQUEST."""
LONGEST = 256 * 1024
"""Bytes of a message; OpenSSH has the same limit."""


def string(data: bytes) -> bytes:
    """A field of any bytes (RFC 4251, section 5)."""
    return len(data).to_bytes(4, "big") + data


def take(data: bytes) -> tuple[bytes, bytes]:
    """The first string, and what follows it. Raises ValueError."""
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 + size:
        raise ValueError("the message ends within a string")
    return data[4 : 4 + size], data[4 + size :]


def integer(number: int) -> bytes:
    """A positive number as an mpint."""
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


def received(read: Callable[[int], bytes]) -> bytes:
    """One message of a stream, b"" at its end. Raises ValueError for one that is too long."""
    head = read(4)
    if len(head) < 4:
        return b""
    size = int.from_bytes(head, "big")
    if not 0 < size <= LONGEST:
        raise ValueError(f"a message of {size} bytes")
    message = read(size)
    return message if len(message) == size else b""
