"""`rundlet-build source`: images of what an image was built from (buildah-source(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Group, Option, Verb
from rundlet.core.verbs.tls_details import TLS_DETAILS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

GROUP = Group("source", "Manage source containers")

_REGISTRY: tuple[Flag | Option, ...] = (
    Option("creds", help="Credentials (USERNAME:PASSWORD) for the registry"),
    Flag("quiet", "q", "Don't output progress information"),
    TLS_DETAILS,
    Flag("tls-verify", help="Require HTTPS and verify certificates", default=True),
)
CREATE = Verb(
    name="source create",
    summary="Create a source image",
    usage="[options] PATH",
    description="Creates and initializes a source image, an OCI artifact, in a layout directory.",
    run="rundlet.build.verbs.source:create",
    options=(
        Option("author", help="Set the author"),
        Flag("time-stamp", help='Set the "created" time stamp', default=True),
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="files"),
    examples=("rundlet-build source create /tmp/fedora:latest-source",),
)
ADD = Verb(
    name="source add",
    summary="Add a source artifact to a source image",
    usage="[options] PATH ARTIFACT",
    description="Adds a file, or the files of a directory, as a gzip-compressed tar.",
    run="rundlet.build.verbs.source:add",
    options=(Option("annotation", help="Add an annotation: KEY=VALUE", many=True),),
    arguments=Arguments(minimum=2, maximum=2, completes="files"),
    examples=("rundlet-build source add /tmp/fedora sources.tar.gz",),
)
PULL = Verb(
    name="source pull",
    summary="Pull a source image from a registry to a specified path",
    usage="[options] IMAGE PATH",
    run="rundlet.build.verbs.source:pull",
    options=_REGISTRY,
    arguments=Arguments(minimum=2, maximum=2),
    examples=("rundlet-build source pull localhost:5000/example:latest /tmp/example",),
)
PUSH = Verb(
    name="source push",
    summary="Push a source image from a specified path to a registry",
    usage="[options] PATH IMAGE",
    run="rundlet.build.verbs.source:push",
    options=(
        *_REGISTRY,
        Option("digestfile", help="Write the digest of the resulting image to the file",
               completes="files"),
    ),
    arguments=Arguments(minimum=2, maximum=2),
    examples=("rundlet-build source push /tmp/example localhost:5000/example:latest",),
)  # fmt: skip


def create(context: Context, arguments: Parsed) -> int:
    """Make an empty one."""
    from rundlet.build.sources import layout
    from rundlet.core.contracts.transport import TransportSettings

    layout.create(
        context.engine,
        arguments.arguments[0],
        TransportSettings(),
        author=arguments.text("author"),
        timed=arguments.flag("time-stamp"),
    )
    return 0


def add(context: Context, arguments: Parsed) -> int:
    """Add an artifact."""
    from rundlet.build.sources import layout
    from rundlet.core.contracts.transport import TransportSettings
    from rundlet.core.errors import UsageError

    annotations: dict[str, str] = {}
    for text in arguments.texts("annotation"):
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f'invalid annotation {text!r} (expected format is "key=value")')
        if key in annotations:
            raise UsageError(f"annotation {key!r} specified more than once")
        annotations[key] = value
    path, artifact = arguments.arguments
    layout.add(context.engine, path, artifact, TransportSettings(), annotations)
    return 0


def pull(context: Context, arguments: Parsed) -> int:
    """Copy one from a registry."""
    from rundlet.build.sources import layout
    from rundlet.core.commands.progress import shown

    from .transport import registry_settings

    name, path = arguments.arguments
    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        layout.pull(context.engine, name, path, registry_settings(arguments), progress)
    return 0


def push(context: Context, arguments: Parsed) -> int:
    """Copy one to a registry."""
    from rundlet.build.execute.outputs import write_id
    from rundlet.build.sources import layout
    from rundlet.core.commands.progress import shown

    from .transport import registry_settings

    path, name = arguments.arguments
    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        digest = layout.push(context.engine, path, name, registry_settings(arguments), progress)
    if arguments.text("digestfile"):
        write_id("--digestfile", arguments.text("digestfile"), digest)
    return 0
