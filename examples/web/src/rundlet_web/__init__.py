"""`web:URL`: an image of the `dir` format, read from a web server."""

from __future__ import annotations

import json

import urllib3

from rundlet.core.contracts.transport import (
    ImageDestination,
    ImageSource,
    ImageTransport,
    Location,
    ManifestBytes,
    TransportSettings,
)
from rundlet.core.errors import Corrupt, InvalidArgument, NoSuchImage, NotFound, NotSupported
from rundlet.core.hookspecs import hookimpl
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.streams import ReadableFile

_OCI = "application/vnd.oci.image.manifest.v1+json"
_MOST = 4 * 1024 * 1024  # bytes of a manifest
_PIECE = 1024 * 1024


class WebSource(ImageSource):
    """An image behind a URL; connections are shared by threads."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._pool = urllib3.PoolManager(maxsize=8, retries=urllib3.Retry(3, redirect=3))

    def manifest(self, digest: str = "") -> ManifestBytes:
        name = f"{_hex(digest)}.manifest.json" if digest else "manifest.json"
        try:
            with self._open(name) as stream:
                data = stream.read(_MOST + 1)
        except NotFound:
            if digest:
                raise
            raise NoSuchImage(f"{self.location} (no manifest.json there)") from None
        return ManifestBytes(data, _media_type(data, str(self.location)))

    def blob(self, descriptor: Descriptor, offset: int = 0) -> ReadableFile:
        return self._open(_hex(descriptor.digest), offset)

    def close(self) -> None:
        self._pool.clear()

    def _open(self, name: str, offset: int = 0) -> ReadableFile:
        """A file's content. A server that knows no ranges (RFC 9110, 14.2) sends all of it."""
        url = f"{self.location.path}/{name}"
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            answer = self._pool.request("GET", url, headers=headers, preload_content=False)
        except urllib3.exceptions.HTTPError as error:
            raise NotFound(f"{url} cannot be read: {error}") from error
        if answer.status not in (200, 206):
            answer.release_conn()
            raise NotFound(f"{url}: the server says {answer.status} {answer.reason or ''}".rstrip())
        skipped = offset if answer.status == 200 else 0
        while skipped > 0 and (piece := answer.read(min(skipped, _PIECE))):
            skipped -= len(piece)
        return answer


class WebTransport(ImageTransport):
    """Reads only."""

    name = "web"

    def parse(self, text: str) -> Location:
        if not text.startswith(("http://", "https://")) or any(ord(c) <= 32 for c in text):
            raise InvalidArgument(f"web:{text}: expected web:http://HOST/PATH or web:https://...")
        return Location(self.name, text.rstrip("/"))

    def source(self, location: Location, settings: TransportSettings) -> ImageSource:
        return WebSource(location)

    def destination(self, location: Location, settings: TransportSettings) -> ImageDestination:
        raise NotSupported(
            f"{location}: nothing can be written there", remedy="Copy to dir: and upload that."
        )


def _hex(digest: str) -> str:
    digits = digest.partition(":")[2]
    if not digits.isalnum():
        raise NotFound(f"{digest!r} is no digest")
    return digits


def _media_type(data: bytes, where: str) -> str:
    try:
        document = json.loads(data)
        return str(document.get("mediaType") or _OCI)
    except (ValueError, AttributeError, RecursionError) as error:
        raise Corrupt(f"{where}: manifest.json is no manifest: {error}") from error


@hookimpl
def rundlet_image_transport(name: str) -> ImageTransport | None:
    """Make the transport."""
    return WebTransport() if name == WebTransport.name else None
