"""Telling somebody how a copy goes. Called from several threads."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .descriptor import Descriptor


class Progress:
    """Base: says nothing. `kind` is "blob" or "config"."""

    def message(self, text: str) -> None:
        """A step that is no blob: "Writing manifest to image destination"."""

    def start(self, kind: str, blob: Descriptor) -> None:
        """A blob is under way."""

    def advance(self, kind: str, blob: Descriptor, count: int) -> None:
        """So many more of its bytes went through."""

    def skipped(self, kind: str, blob: Descriptor) -> None:
        """It was at the destination already."""

    def done(self, kind: str, blob: Descriptor) -> None:
        """It arrived whole."""


SILENT = Progress()
