"""`rundlet version`: what this is (podman-version(1))."""

from __future__ import annotations

import os
import sys

from rundlet.core.commands.declare import Arguments, Option, Verb

from .. import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="version",
    summary="Display the Rundlet version information",
    usage="[options]",
    run="rundlet.cli.verbs.version:run",
    options=(
        Option(
            "format", "f", help="Change the output format to JSON or a Go template", kind="template"
        ),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet version", "rundlet version --format '{{.Client.Version}}'"),
)

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm"}


def run(context: Context, arguments: Parsed) -> int:
    """Print the version as podman does; there is only a client: no daemon."""
    machine = os.uname().machine
    system = f"linux/{_ARCHITECTURES.get(machine, machine)}"
    python = ".".join(str(number) for number in sys.version_info[:3])
    client = {
        "APIVersion": __version__,
        "Version": __version__,
        "PythonVersion": python,
        "OsArch": system,
        "Os": "linux",
    }
    form = arguments.text("format")
    if form == "json":
        import json

        context.print(json.dumps({"Client": client}, separators=(",", ":")))
    elif form:
        from rundlet.core.format.go import Struct
        from rundlet.core.format.template import Template

        absent = {"GoVersion": "", "GitCommit": "", "Built": 0, "BuiltTime": "", "BuildOrigin": ""}
        view = {"Client": Struct(client, absent), "Server": None}
        context.print(Template(form).render(view))
    else:
        context.print("Client:         Rundlet Engine")
        context.print(f"Version:        {__version__}")
        context.print(f"API Version:    {__version__}")
        context.print(f"Python Version: {python}")
        context.print(f"OS/Arch:        {system}")
    return 0
