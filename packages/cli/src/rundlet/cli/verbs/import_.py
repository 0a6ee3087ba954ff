"""`rundlet import`: make an image of a tarball (podman-import(1))."""

from __future__ import annotations

import sys

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="import",
    summary="Import a tarball to create a filesystem image",
    usage="[options] PATH [REFERENCE]",
    description="Makes an image of one layer from a tarball: a file, a URL, or - for stdin.",
    run="rundlet.cli.verbs.import_:run",
    options=(
        Option("arch", help="Set the architecture of the imported image"),
        Option("change", "c", help="Apply an instruction (CMD, ENTRYPOINT, ENV, ...)", many=True),
        Option("message", "m", help="Set commit message for imported image"),
        Option("os", help="Set the OS of the imported image"),
        Flag("quiet", "q", help="Suppress output"),
        Option("variant", help="Set the variant of the imported image"),
    ),
    arguments=Arguments(minimum=1, maximum=2, completes="files images"),
    examples=("rundlet import rootfs.tar base", "rundlet import -c CMD=/bin/sh - base < r.tar"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Import and print the id."""
    from rundlet.core.errors import UsageError

    source, *name = arguments.arguments
    if source == "-" and sys.stdin.isatty():
        raise UsageError("cannot read from terminal, redirect a tarball to standard input")
    image = context.engine.images.import_(
        source,
        name[0] if name else "",
        changes=arguments.texts("change"),
        message=arguments.text("message"),
        platform=_platform(arguments),
    )
    context.print(f"sha256:{image.id}")
    return 0


def _platform(arguments: Parsed) -> str:
    """ "os/arch/variant" as far as it was given; "" for this machine's."""
    from rundlet.core.images.platforms import native

    here = native()
    parts = (
        arguments.text("os") or here.os,
        arguments.text("arch") or here.architecture,
        arguments.text("variant"),
    )
    given = any(arguments.text(name) for name in ("os", "arch", "variant"))
    return "/".join(part for part in parts if part) if given else ""
