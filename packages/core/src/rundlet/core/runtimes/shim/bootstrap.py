"""Starting shims and clearing up after them, as containerd does it (runtime/v2/README.md).

    SHIM -namespace NS -address ADDRESS -publish-binary PROGRAM -id ID start     in the bundle
    SHIM -namespace NS -address ADDRESS -publish-binary PROGRAM -id ID -bundle DIR delete

`start` has the options on its stdin (an Any, protobuf) and answers the address of its socket:
as a line, or, since containerd 1.7, as JSON `{"version": 2, "address": .., "protocol": "ttrpc"}`.
`delete` is for what a killed shim left; it answers a DeleteResponse.

ADDRESS is where containerd's own socket would be. Shims take it, with the namespace and the
id, for the name of their socket: another root means other sockets.
"""

from __future__ import annotations

import json
import os

from ...errors import RuntimeFailed
from ...linux.processes import Finished
from ...linux.spawn import spawn
from ...value import Value
from . import protobuf
from .api import ANY, METHODS
from .home import Home, Shim

# Directories of one container, or of who is logged in: a shim that is shared outlives both, and
# makes the sockets of terminals there.
_NOT_PASSED = ("TMPDIR", "XDG_RUNTIME_DIR")


class Started(Value):
    """Where a shim listens, and the version of its API."""

    address: str
    version: int = 2


def publish_program(shim: Shim) -> str:
    """Where the program is that shims run to tell an event (publish.py): beside their homes."""
    return f"{shim.root}.publish"


def start(shim: Shim, home: Home, events: str) -> Started:
    """Start a shim in its home, or find the one that it shares. Raises RuntimeFailed.

    events: the address on which it can tell its events.
    """
    done = _run(shim, home, ("start",), options(shim), events)
    if done.code != 0:
        raise RuntimeFailed(_said(shim, done))
    return parse(shim, done.stdout.decode(errors="replace"))


def options(shim: Shim) -> bytes:
    """The runtime's options as `start` and Create get them; nothing where there are none."""
    return protobuf.encode(ANY, any_options(shim)) if shim.options_type else b""


def any_options(shim: Shim) -> dict[str, object]:
    """The same as an Any; {} for none."""
    if not shim.options_type:
        return {}
    return {"type_url": shim.options_type, "value": bytes.fromhex(shim.options)}


def parse(shim: Shim, text: str) -> Started:
    """Read what `start` has answered. Raises RuntimeFailed."""
    lines = text.strip().splitlines()
    answer = lines[-1].strip() if lines else ""
    if not answer.startswith("{"):
        if not answer:
            raise RuntimeFailed(f"{shim.program} start has told no address")
        return Started(answer)
    try:
        found = json.loads(answer)
        started = Started(str(found["address"]), int(found.get("version", 2)))
        protocol = str(found.get("protocol") or "ttrpc")
    except (ValueError, KeyError, TypeError):
        raise RuntimeFailed(f"{shim.program} start: unexpected answer {answer[:200]!r}") from None
    if protocol.lower() != "ttrpc" or started.version not in (2, 3):
        raise RuntimeFailed(
            f"{shim.program} speaks {protocol}, version {started.version} of the protocol",
            remedy="use a shim that speaks ttrpc, version 2 or 3",
        )
    return started


def clear(shim: Shim, home: Home) -> int:
    """After a killed shim: end what it left and forget it; the exit code, 137 when not told.

    Raises RuntimeFailed.
    """
    done = _run(shim, home, ("-bundle", home.path, "delete"), b"", "")
    remove_socket(home.address())
    if done.code != 0:
        raise RuntimeFailed(_said(shim, done))
    response = protobuf.decode(METHODS["Delete"][1], done.stdout)
    return int(response["exit_status"]) or 137


def remove_socket(address: str) -> None:
    """Remove the socket of a shim that was killed; those that end in order do it themselves."""
    path = address.removeprefix("unix://")
    if not path.startswith("/"):
        return
    try:
        os.unlink(path)
    except OSError:
        pass


def _run(shim: Shim, home: Home, action: tuple[str, ...], stdin: bytes, events: str) -> Finished:
    address = f"{shim.root}/containerd.sock"
    argv = (
        shim.program,
        *("-namespace", shim.namespace),
        *("-address", address),
        *("-publish-binary", publish_program(shim)),
        *("-id", home.container),
        *shim.args,
        *action,
    )
    inherited = {key: value for key, value in os.environ.items() if key not in _NOT_PASSED}
    environment = {
        **inherited,
        "TTRPC_ADDRESS": events,
        "GRPC_ADDRESS": address,
        "NAMESPACE": shim.namespace,
        "MAX_SHIM_VERSION": "3",
        **dict(shim.environment),
    }
    files = [os.memfd_create(name, os.MFD_CLOEXEC) for name in ("stdin", "stdout", "stderr")]
    try:
        os.pwrite(files[0], stdin, 0)
        pid = spawn(
            argv,
            directory=home.path,
            environment=environment,
            descriptors=dict(enumerate(files)),
        )
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return Finished(code, _content(files[1]), _content(files[2]))
    except OSError as error:
        raise RuntimeFailed(f"{shim.program}: {error.strerror}") from None
    finally:
        for descriptor in files:
            os.close(descriptor)


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _said(shim: Shim, done: Finished) -> str:
    words = (done.stderr or done.stdout).decode(errors="replace").strip()
    return f"{shim.name}: {words or f'{shim.program} failed with exit code {done.code}'}"
