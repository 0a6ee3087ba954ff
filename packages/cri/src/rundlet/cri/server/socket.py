"""The unix socket's place: made free, or refused where another server answers."""

from __future__ import annotations

import os
import socket
import stat

from rundlet.core.errors import AlreadyExists, StoreError


def free(path: str) -> None:
    """Make way for the socket. Raises AlreadyExists when a server answers there, StoreError.

    What is there and no socket stays: to connect to any file is refused as to a dead socket.
    """
    if not path:
        raise StoreError("cannot listen: the path of the socket is empty", remedy="see --listen")
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(path)
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise StoreError(f"cannot listen on {path}: it is no socket") from None
        os.unlink(path)
        return
    except OSError as error:
        raise StoreError(f"cannot listen on {path}: {error.strerror or error}") from error
    raise AlreadyExists(f"another server listens on {path}", remedy="stop it, or use --listen")
