"""`rundlet plugin info`: all that is known of one plugin."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.plugins.listing import Listed
    from rundlet.core.plugins.manager import Plugins

VERB = Verb(
    name="plugin info",
    summary="Show where a plugin comes from, and what it says of itself here",
    usage="[options] NAME",
    description="Shows the distribution, entry point and contract version of a plugin, whether it"
    " works on this machine and why not, and what it can do. Several plugins of one name (of"
    " different kinds) are all shown.",
    run="rundlet.cli.verbs.plugin_info:run",
    options=(Option("format", "f", help="Print JSON (json)", choices=("json", "yaml")),),
    arguments=Arguments(minimum=1, maximum=1, completes="plugins"),
    examples=("rundlet plugin info overlay",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print it as YAML or JSON. Raises PluginError for an unknown name."""
    import json

    from rundlet.core.errors import PluginError
    from rundlet.core.format.yaml import dump

    (name,) = arguments.arguments
    found = _found(context, name)
    if not found:
        raise PluginError(f"there is no plugin {name!r}", remedy="See: rundlet plugin ls --all")
    if arguments.text("format") == "json":
        context.print(json.dumps(found, indent=2))
    else:
        for one in found:
            context.print(dump(one), end="")
    return 0


def _found(context: Context, name: str) -> list[dict[str, object]]:
    from rundlet.core.plugins.listing import listing

    plugins = context.engine.plugins
    return [_about(plugins, row) for row in listing(plugins) if row.name == name]


def _about(plugins: Plugins, row: Listed) -> dict[str, object]:
    from rundlet.core.errors import PluginError
    from rundlet.core.plugins.check import features
    from rundlet.core.plugins.index import KINDS, entries
    from rundlet.core.plugins.manager import CONTRACT_VERSIONS

    group = KINDS.get(row.kind, "")
    mine = (row.name, row.distribution)
    same = [one for one in entries(group) if (one.name, one.distribution) == mine]
    about: dict[str, object] = {
        "kind": row.kind,
        "name": row.name,
        "distribution": f"{row.distribution} {row.version}".strip(),
        "entryPoint": f"{group}: {same[0].value}" if same else "",
        "works": "-" if row.works is None else row.works,
        "reason": row.reason,
        "details": dict(row.details),
    }
    if row.kind in CONTRACT_VERSIONS:
        about["contractVersion"] = CONTRACT_VERSIONS[row.kind]
        about["settings"] = dict(plugins.settings.plugins.get(row.name, {}))
        if row.kind != "secret" and row.works is not False:
            try:
                about["features"] = features(plugins, row.kind, same[0])
            except PluginError as error:
                about["features"] = {"error": error.message}
    return about
