"""`rundlet-skopeo sync`: many images from one place to another (skopeo-sync(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.commands.options import AUTHFILE

from ..copying import OPTIONS
from ..places import BOTH_ENDS, registry_options
from ..retrying import OPTIONS as RETRY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

    from ..sync.running import Outcome, Task
    from ..sync.sources import Found

VERB = Verb(
    name="sync",
    summary="Synchronize one or more images from one location to another",
    usage="[options] --src TRANSPORT --dest TRANSPORT SOURCE DESTINATION",
    description=(
        "Copies all the images found at SOURCE: several at once, and a blob that they share"
        " once. SOURCE is a repository (docker), a directory of image directories (dir), an OCI"
        " layout (oci) or a file that lists repositories (yaml). DESTINATION is a registry or a"
        " prefix in one (docker), a directory (dir) or an OCI layout (oci)."
    ),
    run="rundlet.skopeo.verbs.sync:run",
    options=(
        *OPTIONS,
        Option("append-suffix", help="String to append to destination tags"),
        AUTHFILE,
        Option("dest", "d", help="Destination transport", choices=("docker", "dir", "oci")),
        Option("digestfile", help="Write digests and names of the copied images to this file",
               completes="files"),
        Flag("dry-run", help="Run without actually copying data"),
        Flag("keep-going", help="Do not stop when an image cannot be copied"),
        Option("parallel-images", help="Number of images to copy at once", kind="uint",
               default="3"),
        Flag("quiet", "q", help="Suppress output information when copying images"),
        Flag("scoped", help="Prefix images at the destination with their full source path"),
        Option("src", "s", help="Source transport", choices=("docker", "dir", "oci", "yaml")),
        BOTH_ENDS,
        *RETRY,
        *registry_options("src-"),
        *registry_options("dest-"),
    ),
    arguments=Arguments(minimum=2, maximum=2),
    examples=(
        "rundlet-skopeo sync --src docker --dest dir --scoped localhost:5000/busybox /media/usb",
        "rundlet-skopeo sync --src yaml --dest docker images.yaml localhost:5001/mirror",
    ),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Find the images and copy them; 1 when --keep-going passed over some."""
    from rundlet.core.commands.progress import shown

    from ..copying import copy_options
    from ..places import settings
    from ..retrying import retried
    from ..running import running
    from ..sync.running import Copying
    from ..sync.sources import found

    _check(arguments)
    with running(context):
        source, _ = arguments.arguments
        origin = settings(context, arguments, "src-")
        images = retried(
            context, arguments, lambda: found(context, arguments.text("src"), source, origin)
        )
        keep_going = arguments.flag("keep-going")
        for error in images.errors:
            if not keep_going:
                raise error
            context.warn(str(error))
        tasks = _tasks(context, arguments, images)
        if arguments.flag("dry-run"):
            _tell(context, tasks, images)
            return 0
        options = copy_options(
            context, arguments, context.engine.plugins.transport(arguments.text("dest"))
        )
        with shown(context.stdout, quiet=arguments.flag("quiet")) as progress:
            copying = Copying(context, arguments, options, progress)
            at_once = max(1, arguments.number("parallel-images") or 1)
            outcome = copying.run(tasks, at_once, keep_going=keep_going)
    return _finish(context, arguments, tasks, images, outcome)


def _check(arguments: Parsed) -> None:
    """Raise UsageError for transports that are missing, or do not go together."""
    from rundlet.core.errors import UsageError

    if not arguments.text("src"):
        raise UsageError("A source transport must be specified", remedy="Give --src.")
    if not arguments.text("dest"):
        raise UsageError("A destination transport must be specified", remedy="Give --dest.")
    if arguments.text("src") == arguments.text("dest") == "dir":
        raise UsageError("sync from 'dir' to 'dir' not implemented, consider using rsync instead")


def _tasks(context: Context, arguments: Parsed, images: Found) -> list[Task]:
    """Each image with its destination. Raises AlreadyExists before anything is copied."""
    from rundlet.core.errors import InvalidArgument

    from ..copying import End
    from ..places import settings
    from ..sync.running import Task
    from ..sync.targets import target

    transport = context.engine.plugins.transport(arguments.text("dest"))
    chosen = settings(context, arguments, "dest-")
    tasks: dict[str, Task] = {}
    for item in images.items:
        location = target(
            transport,
            arguments.arguments[1],
            item.suffix,
            scoped=arguments.flag("scoped"),
            append=arguments.text("append-suffix"),
        )
        task = Task(item.source, End(transport, location, chosen))
        known = tasks.setdefault(str(location), task)
        if str(known.source) != str(task.source):
            raise InvalidArgument(
                f"{known.source} and {task.source} would both be copied to {location}",
                remedy="Use --scoped.",
            )
    return list(tasks.values())


def _tell(context: Context, tasks: list[Task], images: Found) -> None:
    for number, task in enumerate(tasks, 1):
        context.print(
            f"Would have copied image {number}/{len(tasks)} from {task.source} to {task.target}"
        )
    context.print(f"Would have synced {len(tasks)} images from {images.sources} sources")


def _finish(
    context: Context, arguments: Parsed, tasks: list[Task], images: Found, outcome: Outcome
) -> int:
    from rundlet.core.errors import InvalidArgument

    from ..local import write

    done = [
        f"{digest} {task.target}"
        for task, digest in zip(tasks, outcome.digests, strict=True)
        if digest
    ]
    if arguments.text("digestfile"):
        write(arguments.text("digestfile"), "".join(f"{line}\n" for line in done).encode())
    if not arguments.flag("quiet"):
        context.print(f"Synced {len(done)} images from {images.sources} sources")
    if outcome.errors or images.errors:
        raise InvalidArgument(
            "Sync failed due to previous reported error(s) for one or more images"
        )
    return 0
