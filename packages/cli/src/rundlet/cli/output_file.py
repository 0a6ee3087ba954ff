"""Where export verbs write: a file that appears when it is whole, or standard output."""

from __future__ import annotations

import os
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from rundlet.core.commands.context import Context


@contextmanager
def writing(context: Context, path: str) -> Iterator[BinaryIO]:
    """The open file `path`, "" for standard output. An error leaves what was there before.

    Raises UsageError for a terminal, InvalidArgument for a path that cannot be written.
    """
    from rundlet.core.errors import InvalidArgument, UsageError

    if not path:
        if context.stdout.isatty():
            raise UsageError("refusing to export to terminal. Use -o flag or redirect")
        context.stdout.flush()
        yield context.stdout.buffer
        context.stdout.buffer.flush()
        return
    from rundlet.core.transports.files import NewFile

    try:
        new = NewFile(path) if _can_be_replaced(path) else None
        # A device or a fifo is written to as it is.
        out = open(new.file.fileno() if new else path, "wb", closefd=new is None)  # noqa: SIM115 (closed below)
    except OSError as error:
        raise InvalidArgument(f"cannot write {path}: {error.strerror}") from None
    try:
        with out:
            yield out
        if new:
            new.publish(durable=False)
    finally:
        if new:
            new.close()


def _can_be_replaced(path: str) -> bool:
    return os.path.isfile(path) or not os.path.exists(path)
