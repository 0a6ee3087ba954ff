"""What is said of a key of containers.conf and storage.conf."""

from __future__ import annotations

from ...value import Value


class Key(Value):
    """One key: exactly one of the last four says what becomes of it.

    table: "engine", "storage.options.overlay". name: "*" stands for all keys of a table.
    setting: ours that it is (settings/snapshot.py). flag: of `run` and `create`, whose default it
    is; kind: what it must be then; prefix: what stands before it there ("tag=").
    does: what it does, where it is read in a way of its own. without: why it has no effect.
    """

    table: str
    name: str
    setting: str = ""
    flag: str = ""
    does: str = ""
    without: str = ""
    kind: type = str
    prefix: str = ""
