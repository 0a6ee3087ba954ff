"""`rundlet load`: read images from an archive (podman-load(1))."""

from __future__ import annotations

import os
import sys

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.verbs.signing import SIGNATURE_POLICY, obey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="load",
    summary="Load image(s) from a tar archive",
    run="rundlet.cli.verbs.load:run",
    options=(
        Option("input", "i", help="Read from specified archive file or URL (default: stdin)",
               completes="files"),
        Flag("quiet", "q", help="Suppress the output"),
        SIGNATURE_POLICY,
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet load -i web.tar", "rundlet load < web.tar.gz"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Print the names of what was loaded."""
    from rundlet.core.errors import InvalidArgument, UsageError

    obey(context, arguments)
    path = arguments.text("input")
    if path and not path.startswith(("http://", "https://")):
        if not os.path.exists(path):
            raise InvalidArgument(f"stat {path}: no such file or directory")
        names = _load(context, arguments, path)
    elif not path and sys.stdin.isatty():
        raise UsageError("cannot read from terminal, use command-line redirection or the --input"
                         " flag")  # fmt: skip
    else:
        names = _from_stream(context, arguments, path or "-")
    for name in names:
        context.print(f"Loaded image: {name}")
    return 0


def _load(context: Context, arguments: Parsed, path: str) -> Sequence[str]:
    from rundlet.core.commands.progress import shown

    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        return context.engine.images.load(path, progress=progress)


def _from_stream(context: Context, arguments: Parsed, source: str) -> Sequence[str]:
    """From a URL, or "-" for standard input; by a file: an archive's index may be at its end."""
    import shutil

    from rundlet.core.content.scratch import scratch
    from rundlet.core.content.sources import opened
    from rundlet.core.transports.files import failing

    with scratch(context.engine) as directory, opened(source) as stream:
        path = os.path.join(directory, "download" if source != "-" else "standard-input")
        with failing(path, "writing"), open(path, "wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
        return _load(context, arguments, path)
