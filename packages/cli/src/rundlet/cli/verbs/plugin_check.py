"""`rundlet plugin check`: whether plugins do here what their contracts ask."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.plugins.index import EntryPoint

_DRIVERS = ("storage", "runtime", "network", "transport", "secret", "hooks")

VERB = Verb(
    name="plugin check",
    summary="Check plugins against their contracts on this machine",
    usage="[options] [NAME...]",
    description="Runs the probe of each plugin and a short smoke of its contract: layers, secrets"
    " and the like in a directory of its own. Without a name all drivers and hooks are checked."
    " With --full the whole conformance kit runs (it needs rundlet-core[testing]).",
    run="rundlet.cli.verbs.plugin_check:run",
    options=(
        Option(
            "kind",
            "k",
            help="Only plugins of this kind",
            choices=(*_DRIVERS, "command"),
            metavar="kind",
        ),
        Flag("matrix", help="Print which driver has which feature on this machine"),
        Flag("full", help="Run the conformance kit, with pytest"),
        Option("format", help="Print the checks as JSON (json)", choices=("json",)),
    ),
    arguments=Arguments(),
    examples=("rundlet plugin check overlay", "rundlet plugin check --matrix"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Exit code 0 when everything passed, 1 when something that was asked for did not."""
    chosen = list(_chosen(context, arguments))
    if arguments.flag("matrix"):
        return _matrix(context, chosen)
    if arguments.flag("full"):
        return max(_full(context, kind, entry) for kind, entry in chosen)
    return _smoke(context, arguments, chosen)


def _chosen(context: Context, arguments: Parsed) -> Iterator[tuple[str, EntryPoint]]:
    """The plugins that were asked for. Raises PluginError for a name that nothing has."""
    from rundlet.core.errors import PluginError

    plugins = context.engine.plugins
    only = arguments.text("kind")
    kinds = (only,) if only else (*_DRIVERS, *(("command",) if arguments.arguments else ()))
    found = [(kind, entry) for kind in kinds for entry in plugins.available(kind)]
    for name in arguments.arguments:
        if not any(entry.name == name for _, entry in found):
            raise PluginError(f"there is no plugin {name!r}", remedy="See: rundlet plugin ls")
    for kind, entry in found:
        if not arguments.arguments or entry.name in arguments.arguments:
            yield kind, entry


def _smoke(context: Context, arguments: Parsed, chosen: list[tuple[str, EntryPoint]]) -> int:
    import json

    from rundlet.core.plugins.check import check

    results = [one for kind, entry in chosen for one in check(context.engine.plugins, kind, entry)]
    if arguments.text("format") == "json":
        context.print(json.dumps([one.as_dict() for one in results], indent=2))
    else:
        for one in results:
            mark = "ok" if one.passed else "FAILED"
            line = f"{mark:<7} {one.kind} {one.name}: {one.clause}"
            context.print(f"{line}: {one.detail}" if one.detail else line)
    failed = {(one.kind, one.name) for one in results if not one.passed}
    asked = bool(arguments.arguments)
    # Of all plugins, one that says it cannot work here is no fault: it is what probes are for.
    faults = [one for one in results if not one.passed and (asked or one.clause != "probe")]
    context.stderr.write(f"{len(chosen) - len(failed)} of {len(chosen)} plugins passed\n")
    return 1 if faults else 0


def _matrix(context: Context, chosen: list[tuple[str, EntryPoint]]) -> int:
    """A table for each kind: a line for each driver, a column for each feature."""
    from rundlet.core.errors import PluginError
    from rundlet.core.plugins.check import features

    for kind in ("storage", "runtime", "network", "transport"):
        table: dict[str, dict[str, str]] = {}
        for entry in (entry for one, entry in chosen if one == kind):
            try:
                table[entry.name] = features(context.engine.plugins, kind, entry)
            except PluginError as error:
                context.warn(f"skipped: {error.message}")
        if table:
            context.print(_markdown(kind, table))
    return 0


def _markdown(kind: str, table: dict[str, dict[str, str]]) -> str:
    """A markdown table, aligned to be read in a terminal too: the docs carry the same."""
    columns = list(dict.fromkeys(name for row in table.values() for name in row))
    lines = [[kind, *columns]]
    lines += [[name, *(row.get(column, "-") for column in columns)] for name, row in table.items()]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns) + 1)]
    text = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text) + "\n"


def _full(context: Context, kind: str, entry: EntryPoint) -> int:
    """pytest's exit code. Raises NotSupported where there is no pytest."""
    import os
    import subprocess
    import sys
    from importlib.util import find_spec

    from rundlet.core.errors import NotSupported

    if find_spec("pytest") is None:
        raise NotSupported(
            "the conformance kit needs pytest", remedy="pip install 'rundlet-core[testing]'"
        )
    if kind == "command":
        raise NotSupported(f"{entry.name} is a command: there is no suite for these")
    context.stdout.flush()
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs"]
    return subprocess.run(
        [sys.executable, *words, "rundlet.core.testing.installed"],
        env={**os.environ, "RUNDLET_KIT": f"{kind}:{entry.name}"},
        check=False,
    ).returncode
