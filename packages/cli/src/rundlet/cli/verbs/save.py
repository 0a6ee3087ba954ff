"""`rundlet save`: write images to an archive or directory (podman-save(1))."""

from __future__ import annotations

import os

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="save",
    summary="Save image(s) to an archive",
    usage="[options] IMAGE [IMAGE...]",
    description="Saves an image (more words are more tags of it; with -m, more images).",
    run="rundlet.cli.verbs.save:run",
    options=(
        Flag("compress", help="Compress layers when saving to a directory (docker-dir)"),
        Option("format", help="Format of the output", default="docker-archive",
               choices=("docker-archive", "oci-archive", "oci-dir", "docker-dir")),
        Flag("multi-image-archive", "m", help="Save several images to one archive"),
        Option("output", "o", help="Write to a specified file (default: stdout, redirected)",
               completes="files"),
        Flag("quiet", "q", help="Suppress the output"),
        Flag("uncompressed", help="Accept uncompressed layers when copying OCI images"),
    ),
    arguments=Arguments(minimum=1, completes="images"),
    examples=("rundlet save -o web.tar web", "rundlet save --format oci-archive web > web.tar"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Write the file, whole or not at all."""
    from rundlet.core.errors import UsageError

    form, output = arguments.text("format"), arguments.text("output")
    if arguments.flag("compress") and form != "docker-dir":
        raise UsageError("--compress can only be set when --format is 'docker-dir'")
    if not output and form.endswith("-dir"):
        raise UsageError("--output is needed for a directory")
    if ":" in output:
        raise UsageError(f"invalid filename (should not contain ':') \"{output}\"")
    if not output:
        if context.stdout.isatty():
            raise UsageError("refusing to save to terminal. Use -o flag or redirect")
        _to_stdout(context, arguments)
        return 0
    _save(context, arguments, output)
    return 0


def _save(context: Context, arguments: Parsed, output: str) -> None:
    from rundlet.core.commands.progress import shown

    images, tags = list(arguments.arguments), list[str]()
    if "multi-image-archive" in arguments.given:
        several = arguments.flag("multi-image-archive")
    else:
        several = context.engine.settings.multi_image_archive
    if not several:
        images, tags = images[:1], images[1:]
    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        context.engine.images.save(
            images,
            output,
            format=arguments.text("format"),
            tags=tags,
            compress=arguments.flag("compress"),
            uncompressed=arguments.flag("uncompressed"),
            progress=progress,
        )


def _to_stdout(context: Context, arguments: Parsed) -> None:
    """By a file: archives are written with seeks."""
    import shutil

    from rundlet.core.content.scratch import scratch

    with scratch(context.engine) as directory:
        path = os.path.join(directory, "image.tar")
        _save(context, arguments, path)
        context.stdout.flush()
        with open(path, "rb") as file:
            shutil.copyfileobj(file, context.stdout.buffer, 1 << 20)
        context.stdout.buffer.flush()
