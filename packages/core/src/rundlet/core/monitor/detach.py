"""Detach keys: podman's notation ("ctrl-p,ctrl-q"), and finding the sequence in what is typed."""

from __future__ import annotations

from ..errors import InvalidArgument

DEFAULT = "ctrl-p,ctrl-q"
_CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_"


def keys(text: str) -> bytes:
    """The bytes of a notation; b"" for "" (never detach).

    podman-run(1) --detach-keys: single characters, or ctrl- and one of a-z @ ^ [ \\ ] _.
    Raises InvalidArgument.
    """
    return bytes(_key(word, text) for word in text.split(",")) if text else b""


def _key(word: str, text: str) -> int:
    low = word.lower()
    if low.startswith("ctrl-") and len(low) == 6 and low[5] in _CONTROL:
        return _CONTROL.index(low[5])
    if len(word) == 1 and ord(word) < 128:
        return ord(word)
    raise InvalidArgument(
        f"invalid detach keys {text!r}: unknown character {word!r}",
        remedy='give single characters or ctrl-X, separated by commas ("ctrl-p,ctrl-q")',
    )


class Detector:
    """Watches typed bytes for the sequence, which is held back while it may still complete."""

    def __init__(self, sequence: bytes) -> None:
        self.sequence = sequence
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What may be passed on now, and whether the sequence was typed (the rest is dropped)."""
        if not self.sequence:
            return data, False
        data = self._held + data
        found = data.find(self.sequence)
        if found >= 0:
            self._held = b""
            return data[:found], True
        for size in range(min(len(self.sequence) - 1, len(data)), 0, -1):
            if data.endswith(self.sequence[:size]):
                self._held = data[-size:]
                return data[:-size], False
        self._held = b""
        return data, False

    def rest(self) -> bytes:
        """What is held back, when no more will be typed."""
        held, self._held = self._held, b""
        return held
