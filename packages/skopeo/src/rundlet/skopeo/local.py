"""Small files that a command line names."""

from __future__ import annotations

_LARGEST = 4 << 20


def read(path: str) -> bytes:
    """The content of a file. Raises NotFound, InvalidArgument when it is larger than 4 MiB."""
    from rundlet.core.errors import InvalidArgument, NotFound

    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise NotFound(f"Error reading {path}: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise InvalidArgument(f"{path} is larger than {_LARGEST} bytes")
    return data


def write(path: str, data: bytes) -> None:
    """Write a file, whole or not at all. Raises what `transports.files` raises."""
    from rundlet.core.transports.files import failing, write_whole

    with failing(path, "writing"):
        write_whole(path, data)
