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
    # A device or a fifo is written to as it is.
    partial = f"{path}.{os.getpid()}.partial" if _can_be_replaced(path) else path
    try:
        out = open(partial, "wb")  # noqa: SIM115 (closed below; only opening is explained)
    except OSError as error:
        raise InvalidArgument(f"cannot write {path}: {error.strerror}") from None
    if partial == path:
        with out:
            yield out
        return
    try:
        with out:
            yield out
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def _can_be_replaced(path: str) -> bool:
    return os.path.isfile(path) or not os.path.exists(path)
