"""`docker-daemon:NAME[:TAG]|ALGORITHM:HEX`: the images of a Docker daemon.

By the Docker Engine API's `GET /images/NAME/get` and `POST /images/load` (docs.docker.com,
"Export an image", "Import images"): whole archives as `docker save` writes them, which are
kept in a temporary file here. The daemon is at `TransportSettings.options["docker_host"]`,
DOCKER_HOST, or the usual socket.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import tempfile
from contextlib import contextmanager
from urllib.parse import quote

from ..contracts.transport import ImageDestination, ImageTransport, Location
from ..errors import (
    Corrupt,
    InvalidArgument,
    NoSuchImage,
    NotSupported,
    RegistryError,
    TimedOut,
)
from ..hookspecs import hookimpl
from ..images import reference as references
from .docker_archive import DockerArchiveDestination, DockerArchiveSource
from .files import PIECE, failing, temporary_file, write_all
from .layout import digest_like
from .tarball import TarIndex

TYPE_CHECKING = False
if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from ..contracts.transport import ImageSource, TransportSettings

_SOCKET = "unix:///var/run/docker.sock"
_STALL = 300.0
"""Seconds without a byte: the daemon may be packing, or unpacking, a large image."""
_MOST_ANSWER = 1 << 20


@hookimpl
def rundlet_image_transport(name: str) -> ImageTransport | None:
    """The transport of this module."""
    return DockerDaemonTransport() if name == DockerDaemonTransport.name else None


class DockerDaemonTransport(ImageTransport):
    """Images of a Docker daemon."""

    name = "docker-daemon"

    def parse(self, text: str) -> Location:
        if digest_like(text):
            return Location(self.name, text)
        name = references.parse(text)
        if not name.tag and not name.digest:
            raise InvalidArgument(
                f"{self.name}:{text}: expected NAME:TAG, NAME@DIGEST or ALGORITHM:HEX (an id)"
            )
        return Location(self.name, str(name), "" if name.digest else str(name))

    def source(self, location: Location, settings: TransportSettings) -> ImageSource:
        with _archive(location, settings) as file:
            index = TarIndex(f"/proc/self/fd/{file.fileno()}")
        index.path = str(location)
        try:
            return DockerArchiveSource(location, location.name, index)
        except BaseException:
            index.close()
            raise

    def destination(self, location: Location, settings: TransportSettings) -> ImageDestination:
        if not location.name:
            raise InvalidArgument(f"{location}: an id cannot be chosen; give a name and tag")
        return DockerDaemonDestination(location, settings)


class DockerDaemonDestination(DockerArchiveDestination):
    """An image being put together in a file, which the daemon gets at `commit`."""

    def __init__(self, location: Location, settings: TransportSettings) -> None:
        self._settings = settings
        self._directory = tempfile.TemporaryDirectory(dir=_temporary(settings))
        path = os.path.join(self._directory.name, "image.tar")
        super().__init__(location, path, _familiar(location), None)

    def another(self, location: Location) -> DockerArchiveDestination:
        raise NotSupported("docker-daemon: takes one image at a time")

    def commit(self) -> None:
        super().commit()
        with open(self._path, "rb") as file:
            headers = {
                "Content-Type": "application/x-tar",
                "Content-Length": str(os.fstat(file.fileno()).st_size),
            }
            with _asked("POST", "/images/load?quiet=1", self._settings, file, headers) as response:
                said = response.read(_MOST_ANSWER)
        _check(said, self.location)

    def close(self) -> None:
        super().close()
        self._directory.cleanup()


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_STALL)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(host: str) -> http.client.HTTPConnection:
    """A connection to where DOCKER_HOST says. Raises InvalidArgument."""
    scheme, _, address = host.partition("://")
    if scheme == "unix" and address:
        return _UnixConnection(address)
    if scheme in ("tcp", "http") and address:
        return http.client.HTTPConnection(address, timeout=_STALL)
    raise InvalidArgument(
        f"docker-daemon: cannot reach a daemon at {host!r}", remedy="Use unix:// or tcp://."
    )


@contextmanager
def _asked(
    method: str,
    path: str,
    settings: TransportSettings,
    body: io.BufferedReader | None = None,
    headers: dict[str, str] | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """The response to one request. Raises NoSuchImage, RegistryError, TimedOut."""
    configured = settings.options.get("docker_host") or os.environ.get("DOCKER_HOST")
    host = str(configured or _SOCKET)
    connection = _connection(host)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        if response.status == 404:
            raise NoSuchImage(f"docker-daemon:{path}")
        if response.status != 200:
            raise RegistryError(
                f"Docker daemon at {host}: {method} {path}:"
                f" {_message(response.read(_MOST_ANSWER)) or response.status}"
            )
        yield response
    except TimeoutError:
        raise TimedOut(f"Docker daemon at {host}: {method} {path}: timed out") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise RegistryError(
            f"Docker daemon at {host}: {method} {path}: {reason}",
            remedy="Is the daemon running? DOCKER_HOST says where it is.",
        ) from None
    finally:
        connection.close()


@contextmanager
def _archive(location: Location, settings: TransportSettings) -> Iterator[io.FileIO]:
    """The archive of an image, in a file without a name."""
    wanted = quote(_familiar(location), safe="/:@")
    file = temporary_file(_temporary(settings) or "")
    try:
        with _asked("GET", f"/images/{wanted}/get", settings) as response:
            while piece := response.read(PIECE):
                with failing(location.path, "keeping the archive of"):
                    write_all(file, piece)
            if response.length:
                raise Corrupt(f"{location}: the daemon's archive is cut off")
        yield file
    except NoSuchImage:
        raise NoSuchImage(str(location)) from None
    finally:
        file.close()


def _familiar(location: Location) -> str:
    """A name as the daemon has it: without docker.io/ and library/; an id as it is."""
    if digest_like(location.path):
        return location.path
    return references.parse(location.path).familiar


def _temporary(settings: TransportSettings) -> str | None:
    if settings.temporary is None:
        return None
    os.makedirs(settings.temporary, mode=0o700, exist_ok=True)
    return os.fspath(settings.temporary)


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _check(said: bytes, location: Location) -> None:
    """`load` answers 200 and tells of failures in its stream of JSON lines."""
    for line in said.splitlines():
        try:
            error = json.loads(line).get("error")
        except (ValueError, AttributeError, RecursionError):
            continue
        if error:
            raise RegistryError(f"{location}: the Docker daemon refused the image: {error}")
