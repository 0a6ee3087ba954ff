"""`rundlet volume create`: make a volume (podman-volume-create(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume create",
    summary="Create a new volume",
    usage="[options] [NAME]",
    run="rundlet.cli.verbs.volume_create:run",
    options=(
        Option("driver", "d", help="Specify volume driver name", default="local"),
        Option("gid", help="Set the GID of the volume owner", kind="uint", metavar="int"),
        Flag("ignore", help="Don't fail if volume already exists"),
        Option("label", "l", help="Set metadata for a volume", many=True, split=True),
        Option("opt", "o", help="Set driver specific options", many=True),
        Option("uid", help="Set the UID of the volume owner", kind="uint", metavar="int"),
    ),
    arguments=Arguments(maximum=1, completes="none"),
    examples=(
        "rundlet volume create myvol",
        "rundlet volume create --label foo=bar myvol",
        "rundlet volume create -o type=tmpfs -o device=tmpfs -o o=size=2M scratch",
    ),
)


def run(context: Context, arguments: Parsed) -> int:
    """Make it and print its name."""
    from rundlet.core.errors import AlreadyExists

    from ..request.environment import key_values

    name = arguments.arguments[0] if arguments.arguments else ""
    try:
        volume = context.engine.volumes.create(
            name,
            driver=arguments.text("driver"),
            labels=key_values(arguments.texts("label"), bare=True),
            options=_options(arguments),
        )
    except AlreadyExists:
        if not arguments.flag("ignore"):
            raise
        context.print(name)
        return 0
    context.print(volume.name)
    return 0


def _options(arguments: Parsed) -> dict[str, str]:
    """--opt, and --uid and --gid as the words of `o` that set the owner."""
    from ..request.environment import key_values

    options = key_values(arguments.texts("opt"), "option", bare=True)
    owner = [f"{key}={arguments.number(key)}" for key in ("uid", "gid") if key in arguments.given]
    if owner:
        options["o"] = ",".join((*filter(None, (options.get("o"),)), *owner))
    return options
