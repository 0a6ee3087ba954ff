"""Signatures in a lookaside store: files beside no registry, by a URL of their own.

The signatures of an image are `BASE/REPOSITORY@ALGORITHM=HEX/signature-1` and so on
(containers-signature(5) and containers/image's signature-protocols.md). `file:` stores are
read and written, `http:` and `https:` ones read.
"""

from __future__ import annotations

import os
from urllib.parse import quote, unquote, urlsplit

from ..errors import Corrupt, InvalidArgument, NotSupported, RegistryError, StoreError
from ..images.descriptor import digest_parts
from . import simple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..images.reference import Reference

MOST = 128
"""Signatures of an image that are read at most: a server could go on for ever."""
WHOLE = 16 << 20
"""Bytes that all signatures of an image may have together."""


def usual() -> str:
    """The store of an image that registries.d says nothing about."""
    if os.geteuid() == 0:
        return "file:///var/lib/containers/sigstore"
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return f"file://{quote(os.path.join(home, 'containers/sigstore'))}"


def read(base: str, reference: Reference, digest: str) -> list[bytes]:
    """The signatures of a manifest in a store. Raises InvalidArgument, RegistryError, Corrupt."""
    fetch: Callable[[str], bytes | None]
    kind = urlsplit(base).scheme
    if kind == "file":
        fetch = _read_file
    elif kind in ("http", "https"):
        fetch = _read_http
    else:
        raise _unknown(base)
    return collect(lambda number: fetch(_url(base, reference, digest, number)), base)


def collect(fetch: Callable[[int], bytes | None], what: str) -> list[bytes]:
    """Signatures by number, from 1, until there is none. Raises Corrupt for too many."""
    found: list[bytes] = []
    whole = 0
    while (data := fetch(len(found) + 1)) is not None:
        whole += len(data)
        if len(found) == MOST or whole > WHOLE:
            raise Corrupt(
                f"{what}: an image has more signatures than are read ({MOST} or {WHOLE} bytes)"
            )
        found.append(data)
    return found


def write(base: str, reference: Reference, digest: str, signatures: Sequence[bytes]) -> None:
    """Let these be the signatures of a manifest. Raises NotSupported for what is no `file:`."""
    if urlsplit(base).scheme in ("http", "https"):
        raise NotSupported(
            f"signatures cannot be written to {base}",
            remedy="Name a file: store as lookaside-staging in registries.d.",
        )
    directory = os.path.dirname(_path(_url(base, reference, digest, 1)))
    write_to(directory, signatures)


def write_to(directory: str, signatures: Sequence[bytes], *, after: bool = False) -> str:
    """Write signatures as `signature-1` and so on, each whole; more that were there go.

    after: add to those that are there. Returns the path of the last. Raises StoreError.
    """
    from ..transports.files import write_whole

    number, path = 0, ""
    try:
        os.makedirs(directory, exist_ok=True)
        if after:
            while os.path.exists(os.path.join(directory, f"signature-{number + 1}")):
                number += 1
        for signature in signatures:
            number += 1
            path = os.path.join(directory, f"signature-{number}")
            write_whole(path, signature)
        remove_from(directory, number + 1)
    except OSError as error:
        raise StoreError(f"cannot write signatures to {directory}: {error.strerror}") from None
    return path


def remove(base: str, reference: Reference, digest: str) -> None:
    """Take away the signatures of a manifest that is gone, where that is possible."""
    if urlsplit(base).scheme == "file":
        directory = os.path.dirname(_path(_url(base, reference, digest, 1)))
        try:
            remove_from(directory, 1)
            os.rmdir(directory)
        except OSError:
            pass  # there were none, or something else is there too


def remove_from(directory: str, number: int) -> None:
    """Remove `signature-NUMBER` and those that follow it."""
    while True:
        try:
            os.unlink(os.path.join(directory, f"signature-{number}"))
        except FileNotFoundError:
            return
        number += 1


def _url(base: str, reference: Reference, digest: str, number: int) -> str:
    algorithm, encoded = digest_parts(digest)
    return f"{base.rstrip('/')}/{reference.path}@{algorithm}={encoded}/signature-{number}"


def _path(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path:
        raise _unknown(url)
    return unquote(parts.path)


def _unknown(url: str) -> InvalidArgument:
    return InvalidArgument(
        f"lookaside store {url}: expected file:///PATH, http:// or https://",
        remedy="See containers-registries.d(5).",
    )


def _read_file(url: str) -> bytes | None:
    path = _path(url)
    try:
        with open(path, "rb") as file:
            data = file.read(simple.LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot read the signature {path}: {error.strerror}") from None
    return _fitting(data, url)


def _read_http(url: str) -> bytes | None:
    from . import web

    answer = web.ask(url, limit=simple.LARGEST)
    if answer.status in (404, 410):
        return None
    if answer.status != 200:
        raise RegistryError(f"{url}: status {answer.status}")
    return answer.data


def _fitting(data: bytes, what: str) -> bytes:
    if len(data) > simple.LARGEST:
        raise Corrupt(f"{what}: larger than {simple.LARGEST} bytes")
    return data
