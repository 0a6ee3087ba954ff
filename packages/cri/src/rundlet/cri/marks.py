"""Files that tell one start from another: was there a reboot, an upgrade, an end in order?

crio.conf(5): version_file, version_file_persist, clean_shutdown_file.
"""

from __future__ import annotations

import os

from rundlet.core.containers.state import boot_id
from rundlet.core.linux.processes import partial_name

from . import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .config.setup import Setup


class Marks:
    """The files of one node. version: gone after a reboot. persist: lasts; "" for none.

    clean: there after an end in order; running: there since a server has run, with its boot.
    """

    def __init__(self, setup: Setup) -> None:
        config, settings = setup.config, setup.settings
        self.version = config.text("crio.version_file") or f"{settings.run_root}/version"
        self.persist = config.text("crio.version_file_persist")
        self.clean = (
            config.text("crio.clean_shutdown_file") or f"{settings.graph_root}/clean.shutdown"
        )
        self.running = f"{self.clean}.supported"

    def rebooted(self) -> bool:
        """Whether containers are of another boot or release: they do not run any longer."""
        return _other(self.version)

    def upgraded(self) -> bool:
        """Whether images are of another release; never where nobody asked to know."""
        return bool(self.persist) and _other(self.persist)

    def interrupted(self) -> bool:
        """Whether the machine stopped while a server ran: what was not synced is lost.

        A server that was killed alone loses nothing: the kernel has it all.
        """
        before = _content(self.running)
        return bool(before) and before != boot_id() and not os.path.exists(self.clean)

    def begin(self) -> None:
        """A server starts. Raises OSError."""
        for path, content in (
            (self.version, __version__),
            (self.persist, __version__),
            (self.running, boot_id()),
        ):
            if path:
                _write(path, content)
        if os.path.exists(self.clean):
            os.unlink(self.clean)

    def end(self) -> None:
        """It has ended in order: everything is synced. Raises OSError."""
        os.sync()
        _write(self.clean, "")


def _other(path: str) -> bool:
    """A file that is not there, or is of another minor release."""
    before = _content(path)
    return before.split(".")[:2] != __version__.split(".")[:2]


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def _write(path: str, content: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    temporary = partial_name(path)
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(content)
    os.rename(temporary, path)
