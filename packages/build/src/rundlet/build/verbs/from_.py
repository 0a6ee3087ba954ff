"""`rundlet-build from`: make a working container (buildah-from(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.verbs.encryption import DECRYPTION_KEY

from .words import PLATFORM, RUNTIME, TRANSPORT, USERNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="from",
    summary="Create a working container based on an image",
    usage="[options] IMAGE",
    description="Creates a new working container, either from scratch or using an image as a"
    " starting point.",
    run="rundlet.build.verbs.from_:run",
    options=(
        Option("add-host", help="Add a custom host-to-IP mapping (host:ip)", many=True),
        Option("cap-add", help="Add capabilities when running", many=True, split=True),
        Option("cap-drop", help="Drop capabilities when running", many=True, split=True),
        Option("cgroup-parent", help="Parent cgroup of the container"),
        Option("cgroupns", help="private, or host"),
        Option("cidfile", help="Write the container ID to the file", completes="files"),
        Option("cpu-period", help="CPU CFS period", kind="uint"),
        Option("cpu-quota", help="CPU CFS quota", kind="int"),
        Option("cpu-shares", "c", help="CPU shares (relative weight)", kind="uint"),
        Option("cpuset-cpus", help="CPUs in which to allow execution (0-3, 0,1)"),
        Option("cpuset-mems", help="Memory nodes in which to allow execution (0-3, 0,1)"),
        Option("device", help="Additional devices", many=True),
        Option("dns", help="Set custom DNS servers, or none", many=True, split=True),
        Option("dns-option", help="Set custom DNS options", many=True, split=True),
        Option("dns-search", help="Set custom DNS search domains", many=True, split=True),
        Option("format", "f", help="Format of the image (also BUILDAH_FORMAT)",
               choices=("oci", "docker")),
        Flag("http-proxy", help="Pass proxy variables", default=True),
        Option("ipc", help="IPC namespace: private, or host"),
        Option("isolation", help="oci, rootless or chroot (also BUILDAH_ISOLATION)",
               choices=("oci", "chroot", "rootless")),
        Option("memory", "m", help="Memory limit"),
        Option("memory-swap", help="Swap limit equal to memory plus swap: -1 for unlimited"),
        Option("name", help="Name for the working container"),
        Option("net", help="As --network", hidden=True),
        Option("network", help="private, none, host or a name"),
        Flag("no-hosts", help="Do not make /etc/hosts", hidden=True),
        Option("pid", help="PID namespace: private, or host"),
        Option("pull", help="Policy: always, missing, never, newer", optional="always",
               default="missing"),
        Flag("pull-always", help="Pull the image even where it is there"),
        Flag("pull-never", help="Do not pull the image"),
        Flag("quiet", "q", "Don't output progress information when pulling images"),
        Option("security-opt", help="Security options", many=True),
        Option("shm-size", help="Size of /dev/shm"),
        Option("ulimit", help="Ulimits", many=True),
        Option("uts", help="private, or host"),
        Option("volume", "v", help="Bind mount a directory when running", many=True),
        DECRYPTION_KEY,
        *USERNS,
        *RUNTIME,
        *PLATFORM,
        *TRANSPORT,
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="images"),
    examples=("rundlet-build from --name web alpine", "rundlet-build from scratch"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Make it; prints its name."""
    from rundlet.build.working.containers import WorkingContainers
    from rundlet.core.commands.progress import shown
    from rundlet.core.verbs.encryption import encryption

    from .template import engine_with_flags, template
    from .transport import platforms, pull_policy, transport_settings
    from .values import image_format, isolation

    wanted = platforms(arguments)
    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        made = WorkingContainers(engine_with_flags(context, arguments)).create(
            arguments.arguments[0],
            arguments.text("name"),
            pull=pull_policy(arguments),
            settings=transport_settings(arguments),
            platform=wanted[0] if wanted else None,
            progress=progress,
            template=template(arguments, context.options),
            format=image_format(arguments, context.engine.settings) or "oci",
            isolation=isolation(arguments),
            encryption=encryption(arguments),
        )
    if arguments.text("cidfile"):
        with open(arguments.text("cidfile"), "w", encoding="ascii") as file:
            file.write(made.id)
    context.print(made.name)
    return 0
