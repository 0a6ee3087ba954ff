"""A command in a working container (buildah-run(1))."""

from __future__ import annotations

import os
from contextlib import ExitStack

from rundlet.build.execute import chroot
from rundlet.build.execute import mounts as run_mounts
from rundlet.build.execute import running as runs
from rundlet.build.execute.mounter import Mounted, Mounter
from rundlet.build.execute.options import BuildOptions
from rundlet.build.execute.origins import Origin, of_image
from rundlet.core.containers.request import Mount
from rundlet.core.content.scratch import scratch
from rundlet.core.contracts.transport import Platform
from rundlet.core.errors import InvalidArgument, NoSuchContainer
from rundlet.core.system import builds
from rundlet.core.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rundlet.build.execute.mounts import RunMount
    from rundlet.build.execute.options import Secret
    from rundlet.core.containers.request import ContainerRequest

    from .container import WorkingContainer

ISOLATIONS = ("oci", "chroot", "rootless")


class RunOrder(Value):
    """One command. "" and () mean what the container's configuration says.

    mounts: of -v. wanted: values of --mount. isolation: oci | rootless | chroot.
    context: where relative sources of binds are. request: the container's template with what
    was said now; None for the template itself.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str] = EMPTY
    user: str = ""
    workdir: str = ""
    mounts: tuple[Mount, ...] = ()
    wanted: tuple[str, ...] = ()
    isolation: str = ""
    context: str = ""
    secrets: tuple[Secret, ...] = ()
    terminal: bool = False
    stdin: bool = True
    request: ContainerRequest | None = None
    add_history: bool = False


def run(container: WorkingContainer, order: RunOrder) -> int:
    """Run to the end; the exit code. Raises what starting a container raises."""
    if not order.words:
        raise InvalidArgument("command must be specified")
    isolation = order.isolation or container.config.isolation
    if isolation not in ISOLATIONS:
        raise InvalidArgument(f"unrecognized isolation type {isolation!r}", remedy="oci or chroot")
    engine, config = container.engine, container.config
    builds.sweep(engine)
    template = order.request or container.template
    workdir = order.workdir or str(config.config.get("WorkingDir") or "/")
    with ExitStack() as stack:
        root = stack.enter_context(container.root())
        made = _mounts(container, order, workdir, stack)
        whole = runs.Order(
            order.words,
            environment={**config.environment(), **made.environment, **order.environment},
            user=order.user or str(config.config.get("User") or ""),
            workdir=workdir,
            mounts=(*order.mounts, *made.mounts),
            stdin=order.stdin,
            terminal=order.terminal,
        )
        if isolation == "chroot":
            code = chroot.run(root, whole, template, patient=True)
        else:
            with container.mapped(template):
                code = runs.run(engine, root, whole, template)
    if order.add_history and code == 0:
        container.note(" ".join(order.words))
    return code


def origin(container: WorkingContainer, name: str, stack: ExitStack) -> Origin:
    """The root directory of another working container, or of an image, until the stack ends."""
    from .containers import WorkingContainers

    engine = container.engine
    try:
        other = WorkingContainers(engine).get(name)
    except (NoSuchContainer, InvalidArgument):
        return of_image(engine, engine.images.pull(name, policy="missing"), stack, Platform())
    return Origin(stack.enter_context(other.root()), owned=True)


def _mounts(
    container: WorkingContainer, order: RunOrder, workdir: str, stack: ExitStack
) -> Mounted:
    """--mount: binds of the host, and all that RUN has."""
    if not order.wanted:
        return Mounted()
    found = [run_mounts.read(text) for text in order.wanted]
    binds = [item for item in found if item.kind == "bind" and not item.text("from")]
    others = tuple(item for item in found if item not in binds)
    mounter = Mounter(
        BuildOptions(secrets=order.secrets, template=container.template),
        lambda name: origin(container, name, stack),
        workdir=workdir,
        caches=builds.cache_directory(container.engine),
        scratch=stack.enter_context(scratch(container.engine)),
        stack=stack,
    )
    made = mounter.mounted(others)
    return made.replace(mounts=(*made.mounts, *(_bind(item, order, workdir) for item in binds)))


def _bind(item: RunMount, order: RunOrder, workdir: str) -> Mount:
    """A directory or file of the host; what is written there stays (buildah-run(1), --mount)."""
    source = os.path.abspath(os.path.join(order.context or ".", item.text("source") or "."))
    if not os.path.lexists(source):
        raise InvalidArgument(f"--mount=type=bind: no source {item.text('source')!r}")
    words = ["rw" if item.switch("rw") else "ro"]
    words += [word for word in ("z", "Z", "U") if item.switch(word)]
    if item.text("bind-propagation"):
        words.append(item.text("bind-propagation"))
    target = os.path.normpath(os.path.join("/", workdir, item.text("target")))
    return Mount("bind", target, source, tuple(words))
