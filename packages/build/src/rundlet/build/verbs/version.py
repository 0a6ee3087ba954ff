"""`rundlet-build version` (buildah-version(1))."""

from __future__ import annotations

import os
import sys

from rundlet.core.commands.declare import Flag, Verb

from .. import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="version",
    summary="Display the version information",
    run="rundlet.build.verbs.version:run",
    options=(Flag("json", help="Output in JSON format"),),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the versions, one a line or as a JSON object."""
    from rundlet.core.images.platforms import native

    platform = native()
    facts = {
        "version": __version__,
        "pythonVersion": sys.version.split()[0],
        "imageSpec": "1.1.0",
        "runtimeSpec": "1.0.2",
        "osArch": f"{platform.os}/{platform.architecture}",
        "kernel": os.uname().release,
    }
    if arguments.flag("json"):
        from rundlet.core.format.output import pretty

        context.print(pretty(facts))
        return 0
    titles = ("Version", "Python Version", "Image Spec", "Runtime Spec", "OS/Arch", "Kernel")
    for title, value in zip(titles, facts.values(), strict=True):
        context.print(f"{title + ':':<16} {value}")
    return 0
