"""Which log driver a container has, and what that means (podman-run(1) --log-driver)."""

from __future__ import annotations

import os

from ..errors import InvalidArgument
from .bundle import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from .paths import Paths
    from .request import ContainerRequest

FILE = ("k8s-file", "json-file")
JOURNALD = "journald"
JOURNAL = "/run/systemd/journal/socket"  # where conmon writes to
_NOTHING = ("none", "null")
_PASSED = ("passthrough", "passthrough-tty")
_FIELDS = ("labels", "env")
_OPTIONS = frozenset(("path", "max-size", "max-file", "tag", *_FIELDS))


def driver(engine: Engine, request: ContainerRequest) -> str:
    """The driver's name: the request's, else the settings'."""
    return request.log_driver or engine.settings.log_driver


def check(engine: Engine, request: ContainerRequest) -> None:
    """Raises InvalidArgument for a driver or a size that is none.

    Of options that are unknown here a warning is printed: podman takes them without a word.
    """
    found = driver(engine, request)
    if found not in (*FILE, JOURNALD, *_NOTHING, *_PASSED):
        raise InvalidArgument(
            f"invalid log driver {found!r}: invalid argument",
            remedy="use k8s-file, journald, none or passthrough",
        )
    if found == JOURNALD:
        _check_journal()
    if request.log_options:
        size_max(engine, request)
        file_max(request)
        unknown = sorted(set(request.log_options) - _OPTIONS)
        warn(tuple(f"--log-opt {name} has no effect" for name in unknown))
    if has_fields(request):
        _check_fields(engine, request, found)


def has_fields(request: ContainerRequest) -> bool:
    """Whether lines in the journal are to have fields of the container's own (journal_fields)."""
    return bool(request.log_labels) or any(name in request.log_options for name in _FIELDS)


def _check_fields(engine: Engine, request: ContainerRequest, found: str) -> None:
    from . import journal_fields

    journal_fields.check(request)
    if found != JOURNALD:
        reason = f"the log driver {found} has no fields"
    elif not journal_fields.supported(engine):
        reason = "this conmon is too old for it (no --log-label)"
    else:
        return
    given = [name for name in _FIELDS if name in request.log_options]
    names = ["label", *given] if request.log_labels else given
    warn(tuple(f"--log-opt {name} has no effect: {reason}" for name in names))


def _check_journal() -> None:
    """conmon says nothing where nobody listens: all that a container writes would be lost."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        try:
            journal.connect(JOURNAL)
        except OSError as error:
            raise InvalidArgument(
                f"--log-driver journald: no journald listens here ({JOURNAL}: {error.strerror})",
                remedy="use k8s-file",
            ) from None


def passes(engine: Engine, request: ContainerRequest) -> bool:
    """Whether the container has our own standard streams: there is nothing to attach to."""
    return driver(engine, request) in _PASSED


def path(request: ContainerRequest, paths: Paths) -> str:
    """The file of a driver that writes one (`--log-opt path`); in a directory, it is ID.log."""
    found = request.log_options.get("path") or paths.log
    return f"{found}/{paths.container}.log" if os.path.isdir(found) else found


def size_max(engine: Engine, request: ContainerRequest) -> int:
    """`max-size` in bytes ("10m" is ten million); -1 for no limit. Raises InvalidArgument."""
    text = request.log_options.get("max-size", "")
    if not text:
        return engine.settings.log_size_max
    from ..format.units import parse_size

    return parse_size(text, 1000)


def described(engine: Engine, request: ContainerRequest, paths: Paths) -> dict[str, object]:
    """podman container inspect's LogConfig."""
    from ..format.units import size

    found = driver(engine, request)
    limit = size_max(engine, request)
    return {
        "Type": found,
        "Config": None,
        "Path": path(request, paths) if found in FILE else "",
        "Tag": request.log_options.get("tag", ""),
        "Size": size(limit, 4).replace(" ", "") if limit > 0 else "0B",
    }


def file_max(request: ContainerRequest) -> int:
    """`max-file`: how many files are kept, the one that is written included. InvalidArgument."""
    text = request.log_options.get("max-file", "1")
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise InvalidArgument(f"invalid --log-opt max-file={text}: a number from 1 to 1000")
    return int(text)


def rotates(engine: Engine, request: ContainerRequest) -> bool:
    """Whether older files are kept: then conmon is told when to begin a new one (rotation.py)."""
    if "max-file" not in request.log_options:
        return False
    found = driver(engine, request) in FILE
    return found and file_max(request) > 1 and size_max(engine, request) > 0
