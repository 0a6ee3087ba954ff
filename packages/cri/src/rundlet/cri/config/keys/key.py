"""What is known of one key."""

from __future__ import annotations

from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Key(Value):
    """One key of `crio.conf`.

    table: "crio.runtime". default: also says its type: a text, a number, a switch, or a list of
    texts. help: one line for `config`, the flag and the documentation. flag: as crio(8) has it,
    "" for none; short: its letter. env: the variable, "" for `CONTAINER_` and the flag, "-" for
    none. kind: "" | "duration" | "port" (also a number in a text). choices: the only values.
    live: whether a reload changes it. without: why it has no effect here; "" when it has one.
    gone: CRI-O has dropped it too: it is read, and kept out of `config`.
    """

    table: str
    name: str
    default: Any
    help: str
    flag: str = ""
    short: str = ""
    env: str = ""
    kind: str = ""
    choices: tuple[str, ...] = ()
    live: bool = False
    without: str = ""
    gone: bool = False

    @property
    def path(self) -> str:
        """ "crio.runtime.pids_limit"."""
        return f"{self.table}.{self.name}"

    @property
    def variable(self) -> str:
        """The name of its variable, "" for none."""
        if self.env == "-" or not self.flag:
            return ""
        return self.env or "CONTAINER_" + self.flag.upper().replace("-", "_")
