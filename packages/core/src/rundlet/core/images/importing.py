"""An image of one layer from a tarball (podman-import(1))."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..content.compress import decompressed
from ..errors import InvalidArgument, NotFound, RegistryError
from ..format.times import rfc3339
from . import manifest as manifests
from .changes import apply
from .composing import keep, write_image
from .names import stored_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, BinaryIO

    from ..engine import Engine
    from ..state.images import Image

_STALL = 60


def import_tarball(
    engine: Engine,
    source: str,
    name: str,
    changes: Sequence[str],
    message: str,
    platform: str,
) -> Image:
    """See `Images.import_`. Raises NotFound, Corrupt, UnsafeArchive, InvalidArgument."""
    config: dict[str, Any] = {}
    apply(config, changes)  # before anything is read: a wrong one costs no download
    names = (str(stored_name(name)),) if name else ()
    with _opened(source) as stream, decompressed(stream) as plain:
        layer = keep(engine, plain)
    document = _document(config, layer.diff_id, message or f"Imported from {source}", platform)
    return write_image(engine, document, [layer.blob], names=names)


def _document(config: dict[str, Any], diff_id: str, message: str, platform: str) -> dict[str, Any]:
    """The image config (image-spec config.md)."""
    here = manifests.parse_platform(platform) if platform else manifests.native()
    now = rfc3339(time.time_ns())
    document = {
        "created": now,
        "architecture": here.architecture,
        "os": here.os,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": now, "created_by": "", "comment": message}],
    }
    return {**document, "variant": here.variant} if here.variant else document


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    """A file, what is at a URL, or with "-" standard input."""
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
