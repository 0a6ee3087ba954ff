"""`rundlet-build tag`, `pull` and `push` (buildah-tag(1), buildah-pull(1), buildah-push(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.verbs.encryption import DECRYPTION_KEY
from rundlet.core.verbs.encryption import OPTIONS as ENCRYPTION
from rundlet.core.verbs.signing import OPTIONS as SIGNING

from .words import COMPRESSION, PLATFORM, TRANSPORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

TAG = Verb(
    name="tag",
    summary="Add an additional name to a local image",
    usage="IMAGE NAME [NAME...]",
    run="rundlet.build.verbs.moving:tag",
    arguments=Arguments(minimum=2, completes="images"),
    examples=("rundlet-build tag web localhost/web:2",),
)
PULL = Verb(
    name="pull",
    summary="Pull an image from the specified location",
    usage="[options] IMAGE",
    run="rundlet.build.verbs.moving:pull",
    options=(
        Flag("all-tags", "a", "Download all tagged images in the repository"),
        Option("policy", help="missing, always, never or newer", default="missing",
               choices=("missing", "always", "never", "newer", "ifmissing", "ifnewer")),
        Flag("quiet", "q", "Don't output progress information when pulling images"),
        Flag("remove-signatures", help="Don't copy signatures"),
        DECRYPTION_KEY,
        *PLATFORM,
        *TRANSPORT,
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="images"),
    examples=("rundlet-build pull docker.io/library/alpine",),
)  # fmt: skip
PUSH = Verb(
    name="push",
    summary="Push an image to a specified destination",
    usage="[options] IMAGE [DESTINATION]",
    description="Pushes an image to a registry, or with a transport in DESTINATION to a file or"
    " directory.",
    run="rundlet.build.verbs.moving:push",
    options=(
        Flag("all", help="Also push the images of a manifest list"),
        Option("digestfile", help="Write the digest of the resulting image to the file",
               completes="files"),
        Flag("disable-compression", "D", "Does nothing; layers are kept compressed", hidden=True),
        Option("format", "f", help="Manifest type to use", choices=("oci", "v2s1", "v2s2")),
        Flag("quiet", "q", "Don't output progress information when pushing images"),
        Flag("remove-signatures", help="Don't copy signatures"),
        Flag("rm", help="Remove the manifest list when it was pushed"),
        *COMPRESSION,
        *ENCRYPTION,
        *SIGNING,
        *TRANSPORT,
    ),
    arguments=Arguments(minimum=1, maximum=2, completes="images"),
    examples=("rundlet-build push web docker://localhost:5000/web:1",),
)  # fmt: skip


def tag(context: Context, arguments: Parsed) -> int:
    """Give the names."""
    name, *targets = arguments.arguments
    context.engine.images.tag(name, *targets)
    return 0


def pull(context: Context, arguments: Parsed) -> int:
    """Pull; prints the ids."""
    from rundlet.core.commands.progress import shown
    from rundlet.core.verbs.encryption import encryption

    from .transport import platforms, transport_settings

    name = arguments.arguments[0]
    settings = transport_settings(arguments)
    if arguments.flag("all-tags"):
        for one in context.engine.images.pull_all_tags(name, settings=settings):
            context.print(one.image.id)
        return 0
    wanted = platforms(arguments)
    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        image = context.engine.images.pull(
            name,
            policy=arguments.text("policy").removeprefix("if"),
            settings=settings,
            platform=wanted[0] if wanted else None,
            progress=progress,
            encryption=encryption(arguments),
        )
    context.print(image.id)
    return 0


def push(context: Context, arguments: Parsed) -> int:
    """Push an image, or a manifest list."""
    from rundlet.build.execute.outputs import write_id
    from rundlet.core.commands.progress import shown
    from rundlet.core.images.lists import Lists

    from .transport import transport_settings
    from .values import writing

    name, *rest = arguments.arguments
    lists = Lists(context.engine)
    if arguments.flag("all") and lists.exists(name):
        from .manifest_run import push as push_list

        return push_list(context, arguments)
    how = writing(arguments)
    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        digest = context.engine.images.push(
            name,
            rest[0] if rest else "",
            settings=transport_settings(arguments),
            format=arguments.text("format"),
            compression=how.compression,
            level=how.level,
            force=how.force,
            progress=progress,
            encryption=how.encryption,
            signing=how.signing,
            signatures=not arguments.flag("remove-signatures"),
        )
    if arguments.text("digestfile"):
        write_id("--digestfile", arguments.text("digestfile"), digest)
    return 0
