"""`rundlet runtime ls`: the OCI runtimes of this machine, and what each can do."""

from __future__ import annotations

import os

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.errors import RundletError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.plugins.manager import Plugins

VERB = Verb(
    name="runtime ls",
    summary="List OCI runtimes and their features",
    usage="[options]",
    description="Lists the drivers that are installed and the runtimes that rundlet.toml and"
    " containers.conf name, as --runtime takes them. DEFAULT marks the one that new containers"
    " get. Features are those that the runtime reports itself (runc features), or that its driver"
    " knows of.",
    run="rundlet.cli.verbs.runtime_ls:run",
    options=(
        Option(
            "format", help="Pretty-print runtimes to JSON or using a Go template", kind="template"
        ),
        Flag("noheading", "n", help="Do not print headers"),
        Flag("quiet", "q", help="Print names only"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet runtime ls", "rundlet runtime ls --format json"),
)

_TABLE = "table {{.Name}}\t{{.Default}}\t{{.Works}}\t{{.Version}}\t{{.Features}}\t{{.Reason}}"


def run(context: Context, arguments: Parsed) -> int:
    """Print the list. Exit code 0 also when some do not work: that is what it tells."""
    from rundlet.core.format.output import rows

    plugins = context.engine.plugins
    default = _default(plugins)
    found = [_row(plugins, name, default) for name in names(plugins)]
    form = "{{.Name}}" if arguments.flag("quiet") else arguments.text("format") or _TABLE
    if form != "json":
        found = [{key: _shown(value) for key, value in row.items()} for row in found]
    context.print(rows(found, form, heading=not arguments.flag("noheading")), end="")
    return 0


def names(plugins: Plugins) -> Iterator[str]:
    """Drivers, and configured names that are usable here: the tables of podman's own defaults
    name a dozen runtimes, of which few are installed."""
    drivers = {entry.name for entry in plugins.available("runtime")}
    tables = {
        name
        for name, table in plugins.settings.runtimes.items()
        if table.get("kind") in drivers or os.path.exists(table.get("path", ""))
    }
    yield from sorted(drivers | tables)


def _default(plugins: Plugins) -> str:
    """The name that a new container gets; "" when none works."""
    try:
        return plugins.settings.runtime or plugins.choose_runtime().name
    except RundletError:
        return ""


def _row(plugins: Plugins, name: str, default: str) -> dict[str, object]:
    row: dict[str, object] = {
        "Name": name,
        "Default": name == default,
        "Works": False,
        "Path": "",
        "Version": "",
        "Features": {},
        "Reason": "",
    }
    try:
        driver = plugins.runtime(name)
        probe = driver.probe()
        row.update(Works=probe.works, Reason=" ".join((probe.reason or "").split()))
        row["Path"] = str(probe.details.get("path", "") or driver.config.path)
        if probe.works:
            features = driver.features().as_dict()
            features.pop("document")
            row.update(Version=driver.version().splitlines()[0], Features=features)
    except RundletError as error:
        row["Reason"] = " ".join(error.message.split())
    return row


def _shown(value: object) -> object:
    """A value for a table: yes, no, or the names of the features that are there."""
    if isinstance(value, dict):
        return ",".join(name.replace("_", "-") for name, there in value.items() if there)
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
