"""`rundlet plugin new`: write a package for a plugin of one's own."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

_KINDS = ("storage", "runtime", "network", "transport", "secrets", "hooks", "command")

VERB = Verb(
    name="plugin new",
    summary="Write a package for a plugin of your own",
    usage="[options] NAME",
    description="Writes pyproject.toml with the entry point, a driver that works, its tests on the"
    " conformance kit, and a README. The tests pass after pip install -e '.[test]'.",
    run="rundlet.cli.verbs.plugin_new:run",
    options=(
        Option("kind", "k", help="What it is to be", metavar="kind", choices=_KINDS),
        Option(
            "directory",
            "d",
            help='Where to write it (default "./rundlet-NAME")',
            metavar="path",
            completes="files",
        ),
    ),
    arguments=Arguments(minimum=1, maximum=1),
    examples=("rundlet plugin new --kind storage zfs",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the directory. Raises UsageError without a kind, AlreadyExists for names in use."""
    from pathlib import Path

    from rundlet.core.errors import AlreadyExists, UsageError

    from ..scaffold.write import write

    (name,) = arguments.arguments
    kind = arguments.text("kind")
    if not kind:
        raise UsageError(f"--kind is needed: one of {', '.join(_KINDS)}")
    known = "secret" if kind == "secrets" else kind
    for entry in context.engine.plugins.available(known):
        if entry.name == name:
            raise AlreadyExists(
                f"there is a {kind} plugin {name!r} already, of {entry.distribution}",
                remedy="Choose another name.",
            )
    directory = Path(arguments.text("directory") or f"rundlet-{name}")
    write(name, kind, directory)
    context.print(str(directory))
    return 0
