"""Where a tarball that a user names comes from: a file, a URL, or standard input."""

from __future__ import annotations

import sys
from contextlib import contextmanager

from ..errors import InvalidArgument, NotFound, RegistryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..streams import ReadableFile

_STALL = 60  # seconds without a byte


@contextmanager
def opened(source: str) -> Iterator[ReadableFile]:
    """A file, what is at a URL, or with "-" standard input.

    Raises NotFound, RegistryError for a failed download, InvalidArgument for a wrong URL.
    """
    if source == "-":
        yield sys.stdin.buffer
    elif source.startswith(("http://", "https://")):
        with _download(source) as stream:
            yield stream
    else:
        try:
            file = open(source, "rb")  # noqa: SIM115 (closed below; only opening is explained)
        except OSError as error:
            raise NotFound(f"cannot open {source}: {error.strerror}") from None
        with file:
            yield file


def _download(url: str) -> Any:
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        return urlopen(url, timeout=_STALL)
    except URLError as error:
        raise RegistryError(f"cannot download {url}: {error.reason}") from None
    except ValueError as error:
        raise InvalidArgument(f"{url}: {error}") from None
