"""RUN: a command in a container over a workspace's root directory."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager

from rundlet.core.contracts.monitor import Streams
from rundlet.core.system import builds
from rundlet.core.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rundlet.build.containerfile.instructions import Run
    from rundlet.core import Engine
    from rundlet.core.containers.request import ContainerRequest, Mount

_POINTS = (
    *("dev", "proc", "sys", "run", "run/secrets", "run/.containerenv", "run/lock"),
    *("etc", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"),
)
"""Where the runtime mounts things: made where missing, and no part of the image."""
SCRIPTS = "/dev/pipes"
"""Where a heredoc that is a script of its own is found while it runs (as BuildKit has it)."""


class Order(Value):
    """One command: words, variables, the user and working directory, mounts, how isolated."""

    words: tuple[str, ...]
    environment: Mapping[str, str] = EMPTY
    user: str = ""
    workdir: str = "/"
    mounts: tuple[Mount, ...] = ()
    network: str = ""
    insecure: bool = False
    stdin: bool = False
    terminal: bool = False
    output: int = 1


def command(item: Run, shell: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a RUN. A lone heredoc is the script itself; others go to the shell as written.

    (Dockerfile reference, "Here-documents")
    """
    if not item.shell:
        return item.words
    if script(item):
        return (f"{SCRIPTS}/{item.heredocs[0].name}",)
    text = item.words[0]
    if len(item.heredocs) == 1 and text == item.heredocs[0].word:
        return (*shell, item.heredocs[0].content)
    whole = text + "".join(f"\n{doc.content}{doc.name}" for doc in item.heredocs)
    return (*shell, whole)


def script(item: Run) -> str:
    """The text of a lone heredoc that says itself what runs it (`#!`); else ""."""
    if len(item.heredocs) != 1 or not item.shell or item.words[0] != item.heredocs[0].word:
        return ""
    content = item.heredocs[0].content
    return content if content.startswith("#!") else ""


def run(engine: Engine, root: str, order: Order, template: ContainerRequest) -> int:
    """Run a command to its end; its exit code. Raises what starting a container raises."""
    with untouched(root, (mount.destination for mount in (*template.mounts, *order.mounts))):
        return _run(engine, root, order, template)


@contextmanager
def untouched(root: str, destinations: Iterable[str]) -> Iterator[None]:
    """Mount points that come for a while, these and a runtime's own, leave no trace after it."""
    places = (*_POINTS, *_above(destinations))
    missing = [place for place in places if not os.path.lexists(f"{root}/{place}")]
    kept = [_Kept(f"{root}/{place}") for place in ("", "etc", "run", "dev")]
    try:
        yield
    finally:
        _tidy(root, missing)
        for directory in kept:
            directory.restore()


def _run(engine: Engine, root: str, order: Order, template: ContainerRequest) -> int:
    request = template.replace(
        rootfs=root,
        command=order.words,
        entrypoint=(),
        env={**template.env, **order.environment},
        user=order.user,
        workdir=order.workdir,
        make_workdir=True,  # as buildah
        mounts=(*template.mounts, *order.mounts),
        network=order.network or template.network,
        privileged=template.privileged or order.insecure,
        stdin=order.stdin,
        terminal=order.terminal,
    )
    return carried_out(engine, request, order.output)


def carried_out(engine: Engine, request: ContainerRequest, output: int) -> int:
    """Run a container of a build to its end, and remove it; its exit code.

    output: the descriptor that gets what it prints.
    """
    request = request.replace(
        name=f"build-{os.urandom(6).hex()}",
        auto_remove=True,
        labels={builds.LABEL: builds.ourselves()},
        log_driver="none",
        sdnotify="ignore",
        image_volumes="ignore",
    )
    streams = Streams(0 if request.stdin else -1, output, 2, request.terminal)
    from rundlet.core.containers.run import run as run_container  # a cached build runs nothing

    try:
        return run_container(engine, request, streams, sig_proxy=False).exit_code
    except BaseException:  # an interrupt too must not leave it running
        builds.remove(engine, request.name)
        raise


def end_ours(engine: Engine) -> None:
    """Remove the containers that this process runs, in whatever thread."""
    for identity, owner in builds.containers(engine):
        if owner == builds.ourselves():
            builds.remove(engine, identity)


def _above(destinations: Iterable[str]) -> list[str]:
    """Mount points and the directories above them, which are made for them too."""
    found: list[str] = []
    for destination in destinations:
        path = destination.strip("/")
        while path:
            found.append(path)
            path = path.rpartition("/")[0]
    return list(dict.fromkeys(found))


def _tidy(root: str, missing: list[str]) -> None:
    """Take away the mount points that were made, as far as they are empty."""
    for place in sorted(missing, key=len, reverse=True):
        path = f"{root}/{place}"
        try:
            status = os.lstat(path)
            if stat.S_ISDIR(status.st_mode):
                os.rmdir(path)
            elif not status.st_size or stat.S_ISLNK(status.st_mode):
                os.unlink(path)
        except OSError:
            continue  # not there, or the command has put something in


class _Kept:
    """The times of a directory whose entries only come and go with mount points."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._names = self._listed()
        self._status = os.lstat(path) if self._names is not None else None

    def _listed(self) -> set[str] | None:
        try:
            return set(os.listdir(self._path))
        except OSError:
            return None

    def restore(self) -> None:
        """Set them as they were, where the directory has what it had."""
        if self._status is None or self._listed() != self._names:
            return
        now = os.lstat(self._path)
        if now.st_mtime_ns != self._status.st_mtime_ns:
            os.utime(self._path, ns=(self._status.st_atime_ns, self._status.st_mtime_ns))
