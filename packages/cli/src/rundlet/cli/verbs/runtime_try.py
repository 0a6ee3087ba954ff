"""`rundlet runtime try`: one command in a container of a runtime, then nothing is left of it."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.containers.request import ContainerRequest, Mount

VERB = Verb(
    name="runtime try",
    summary="Run a command on an OCI runtime",
    usage="[options] NAME -- COMMAND [ARG...]",
    description="Runs a command in a container of the runtime that NAME names, without network."
    " Without --image the container sees the programs and libraries of this machine, read-only,"
    " and nothing else of it. The exit code is that of the command.",
    run="rundlet.cli.verbs.runtime_try:run",
    options=(Option("image", help="Run in this image", metavar="image", completes="images"),),
    arguments=Arguments(minimum=2, interspersed=False, completes="runtime"),
    examples=("rundlet runtime try runsc -- uname -a",),
)

_PROGRAMS = ("bin", "lib", "lib32", "lib64", "libx32", "sbin", "usr")


def run(context: Context, arguments: Parsed) -> int:
    """Exit code of the command. Raises PluginError, DriverUnavailable, RuntimeFailed."""
    import tempfile

    from rundlet.core.contracts.monitor import Streams
    from rundlet.core.errors import DriverUnavailable

    name, *command = arguments.arguments
    if command[0] == "--":
        command = command[1:]
    probe = context.engine.plugins.runtime(name).probe()
    if not probe.works:
        raise DriverUnavailable(f"OCI runtime {name} does not work here: {probe.reason}")
    with tempfile.TemporaryDirectory(prefix="rundlet-try-") as directory:
        request = request_for(directory, arguments.text("image"), command)
        request = request.replace(runtime=name, auto_remove=True)
        context.stdout.flush()
        return context.engine.containers.run(request, Streams(stdin=-1)).exit_code


def request_for(directory: str, image: str, command: Sequence[str]) -> ContainerRequest:
    """A container of an image, or, with "", of the programs of this machine and `directory`."""
    from rundlet.core.containers.request import ContainerRequest

    return ContainerRequest(
        image=image,
        rootfs="" if image else directory,
        mounts=() if image else tuple(_programs(directory)),
        command=tuple(command),
        network="none",
    )


def _programs(root: str) -> Iterator[Mount]:
    """What shows the programs of this machine; its links (/bin to usr/bin) are made in `root`."""
    import os

    from rundlet.core.containers.request import Mount

    for name in _PROGRAMS:
        place = f"/{name}"
        if os.path.islink(place):
            os.symlink(os.readlink(place), f"{root}/{name}")
        elif os.path.isdir(place):
            yield Mount("bind", place, place, ("ro",))
