"""What the whiteouts of an archive hide of the layers below, while it is unpacked."""

from __future__ import annotations

import os
import stat

from ..errors import UnsafeArchive
from .beneath import components, shown
from .remove import empty, remove_tree
from .whiteouts import META_PREFIX, OPAQUE_NAME, PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .beneath import Beneath
    from .whiteouts import Whiteouts

NOT_NAMES = frozenset((b"", b".", b".."))


class Hiding:
    """The whiteouts of one archive. inodes: how many were made of them."""

    def __init__(self, whiteouts: Whiteouts, beneath: Beneath) -> None:
        self.inodes = 0
        self._whiteouts = whiteouts
        self._beneath = beneath
        # Paths of this archive (style DELETE): its whiteouts hide what parents have, not these.
        self._own: set[tuple[bytes, ...]] = set()
        self._hidden: set[tuple[bytes, ...]] = set()  # whiteouts made so far (overlay styles)

    def whiteout(self, parent_text: bytes, name: bytes) -> None:
        """Obey the member `name` (".wh...") of a directory. Raises UnsafeArchive, OSError."""
        names = components(parent_text)
        if name == OPAQUE_NAME:
            self.opaque(names)
        elif not name.startswith(META_PREFIX):
            hidden = name[len(PREFIX) :]
            if hidden in NOT_NAMES:
                raise UnsafeArchive(f"whiteout {shown(parent_text + b'/' + name)} of no name")
            self._hide([*names, hidden])

    def note(self, names: tuple[bytes, ...]) -> None:
        """Note that this archive has something at a path, and so a directory above it."""
        while names and names not in self._own:
            self._own.add(names)
            names = names[:-1]

    def hides(self, names: Sequence[bytes]) -> bool:
        """Whether a whiteout of this path was made."""
        return tuple(names) in self._hidden

    def opaque(self, names: list[bytes]) -> None:
        """Hide all that the parents have in this directory."""
        directory = self._beneath.directory(names)
        if not self._whiteouts.delete:
            os.setxattr(directory, self._whiteouts.xattr, b"y")
            return
        base = tuple(names)
        empty(directory, keep=lambda path: (*base, *path) in self._own)
        self._beneath.forget()

    def _hide(self, names: list[bytes]) -> None:
        """Hide what the parents have at this path."""
        if self._whiteouts.delete:
            self._delete(names)
            return
        parent = self._beneath.directory(names[:-1])
        self._hidden.add(tuple(names))
        try:
            os.mknod(names[-1], stat.S_IFCHR, 0, dir_fd=parent)
            self.inodes += 1
        except FileExistsError:  # comes with this layer: a directory must not merge any more
            status = os.stat(names[-1], dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                self.opaque(names)

    def _delete(self, names: list[bytes]) -> None:
        try:
            parent = self._beneath.directory(names[:-1], make=False)
            status = os.stat(names[-1], dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return
        if tuple(names) not in self._own:
            remove_tree(names[-1], parent)
            self._beneath.forget()
        elif stat.S_ISDIR(status.st_mode):
            self.opaque(names)
