"""`rundlet volume import`: unpack a tar into a volume (podman-volume-import(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume import",
    summary="Import a tarball contents into a volume",
    usage="VOLUME [SOURCE]",
    description="Unpacks a tar (a file, a URL, or - for stdin), compressed or not, over what is"
    " in the volume. A damaged one changes nothing.",
    run="rundlet.cli.verbs.volume_import:run",
    arguments=Arguments(minimum=1, maximum=2, completes="volumes files"),
    examples=("rundlet volume import data data.tar", "cat data.tar | rundlet volume import data -"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Unpack."""
    import sys

    from rundlet.core.content.sources import opened
    from rundlet.core.errors import UsageError

    name, source = [*arguments.arguments, "-"][:2]
    if source == "-" and sys.stdin.isatty():
        raise UsageError("cannot read from terminal, redirect a tarball to standard input")
    volumes = context.engine.volumes
    volume = volumes.get(name)  # before anything is downloaded
    with opened(source) as stream:
        volumes.import_(volume.name, stream)
    return 0
