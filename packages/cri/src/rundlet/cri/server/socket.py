"""The unix socket's place: made free, or refused where another server answers."""

from __future__ import annotations

import os
import socket

from rundlet.core.errors import AlreadyExists, StoreError


def free(path: str) -> None:
    """Make way for the socket. Raises AlreadyExists when a server answers there, StoreError."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(path)
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        os.unlink(path)
        return
    except OSError as error:
        raise StoreError(f"cannot listen on {path}: {error.strerror or error}") from error
    raise AlreadyExists(f"another server listens on {path}", remedy="stop it, or use --listen")
