"""`rundlet-build run`: a command in a working container (buildah-run(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from .words import ADD_HISTORY, add_history

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.containers.request import ContainerRequest

VERB = Verb(
    name="run",
    summary="Run a command inside of the container",
    usage="[options] CONTAINER COMMAND [ARG...]",
    description="Runs a command using the container's root filesystem, with the configuration"
    " of its image and of config.",
    run="rundlet.build.verbs.run:run",
    options=(
        ADD_HISTORY,
        Option("cap-add", help="Add capabilities", many=True, split=True),
        Option("cap-drop", help="Drop capabilities", many=True, split=True),
        Option("cgroupns", help="private, or host"),
        Option("contextdir", help="Where relative sources of --mount are", completes="files"),
        Option("device", help="Additional devices", many=True),
        Option("env", "e", help="Set a variable while the command runs", many=True),
        Option("hostname", help="Set the hostname inside of the container"),
        Option("ipc", help="IPC namespace: private, or host"),
        Option("isolation", help="oci, rootless or chroot (also BUILDAH_ISOLATION)",
               choices=("oci", "chroot", "rootless")),
        Option("mount", help="Attach a filesystem mount to the container", many=True),
        Option("network", help="private, none, host or a name", aliases=("net",)),
        Flag("no-hostname", help="Do not override the container's /etc/hostname"),
        Flag("no-hosts", help="Do not override the container's /etc/hosts"),
        Option("pid", help="PID namespace: private, or host"),
        Option("runtime", help="OCI runtime, by name or path", completes="runtime"),
        Option("runtime-flag", help="Global flag for the OCI runtime, without its dashes",
               many=True),
        Flag("no-pivot", help="Does nothing: the runtime changes the root as it can",
             hidden=True),
        Option("secret", help="Secret for --mount type=secret: id=ID,src=FILE", many=True),
        Flag("terminal", "t", "Allocate a pseudo-TTY in the container"),
        Flag("tty", help="As --terminal", hidden=True),
        Option("user", help="User and group to run the command as: user[:group]"),
        Option("uts", help="private, or host"),
        Option("volume", "v", help="Bind mount a directory while the command runs", many=True),
        Option("workingdir", help="Working directory for the command"),
    ),
    arguments=Arguments(minimum=1, interspersed=False, completes="containers"),
    examples=("rundlet-build run web -- apt-get -y install nginx",),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Run it; its exit code is ours."""
    import os

    from rundlet.build.working.containers import WorkingContainers
    from rundlet.build.working.running import RunOrder

    from .template import engine_with_flags, secret, volume

    name, *words = arguments.arguments
    if words[:1] == ["--"]:
        del words[0]
    container = WorkingContainers(engine_with_flags(context, arguments)).get(name)
    order = RunOrder(
        tuple(words),
        environment=dict(
            text.partition("=")[::2] if "=" in text else (text, os.environ.get(text, ""))
            for text in arguments.texts("env")
        ),
        user=arguments.text("user"),
        workdir=arguments.text("workingdir"),
        mounts=tuple(volume(text) for text in arguments.texts("volume")),
        wanted=arguments.texts("mount"),
        isolation=arguments.text("isolation") or os.environ.get("BUILDAH_ISOLATION", ""),
        context=arguments.text("contextdir"),
        secrets=tuple(secret(text) for text in arguments.texts("secret")),
        terminal=arguments.flag("terminal") or arguments.flag("tty"),
        request=_request(container.template, arguments),
        add_history=add_history(arguments),
    )
    return container.run(order)


def _request(template: ContainerRequest, arguments: Parsed) -> ContainerRequest:
    """What `from` said, and what this command line says instead."""
    from .template import device

    said = {
        "cgroup" if name == "cgroupns" else name: arguments.text(name)
        for name in ("cgroupns", "hostname", "ipc", "network", "pid", "runtime", "uts")
        if arguments.text(name)
    }
    return template.replace(
        **said,
        cap_add=(*template.cap_add, *arguments.texts("cap-add")),
        cap_drop=(*template.cap_drop, *arguments.texts("cap-drop")),
        devices=(*template.devices, *(device(text) for text in arguments.texts("device"))),
        no_hosts=template.no_hosts or arguments.flag("no-hosts"),
        no_hostname=arguments.flag("no-hostname"),
    )
