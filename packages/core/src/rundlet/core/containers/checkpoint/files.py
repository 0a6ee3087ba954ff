"""Where the files of a checkpoint are: in the container's bundle, so that they outlive a reboot."""

from __future__ import annotations

import os

from ..paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...engine import Engine

LOGS = ("dump.log", "restore.log", "stats-dump", "stats-restore")
"""What CRIU writes to the work directory, by its own names."""


class Files:
    """image: CRIU's files; pre: those of an earlier checkpoint of the memory alone.

    work: where CRIU writes its logs. marks: a file that is there while a container was made from
    an archive and has not run yet.
    """

    def __init__(self, engine: Engine, container: str) -> None:
        bundle = Paths(engine, container).bundle
        self.work = bundle
        self.image = f"{bundle}/checkpoint"
        self.pre = f"{bundle}/pre-checkpoint"
        self.dump_log = f"{bundle}/dump.log"
        self.restore_log = f"{bundle}/restore.log"
        self.statistics = f"{bundle}/stats-dump"
        self.restore_statistics = f"{bundle}/stats-restore"

    def there(self) -> bool:
        """Whether there is something to restore from."""
        return os.path.isdir(self.image)


def forget_logs(files: Files) -> None:
    """Remove logs and statistics: what podman's --keep keeps."""
    for name in LOGS:
        try:
            os.unlink(f"{files.work}/{name}")
        except FileNotFoundError:
            continue
