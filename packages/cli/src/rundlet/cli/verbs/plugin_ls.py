"""`rundlet plugin ls`: every driver, hook and verb of any wheel, and whether it works here."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.plugins.listing import Listed

VERB = Verb(
    name="plugin ls",
    summary="List plugins, and whether they work on this machine",
    usage="[options]",
    description="Lists storage drivers, OCI runtimes, network plugins, image transports, secret"
    " drivers, hooks and commands with the distribution that each comes from. A broken one is"
    " listed with its error.",
    run="rundlet.cli.verbs.plugin_ls:run",
    options=(
        Flag("all", "a", help="List the commands of the shipped packages too"),
        Option("filter", "f", help="Only kind=KIND, name=NAME or works=true|false", many=True),
        Option(
            "format", help="Pretty-print plugins to JSON or using a Go template", kind="template"
        ),
        Flag("noheading", "n", help="Do not print headers"),
        Flag("quiet", "q", help="Print names only"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet plugin ls", "rundlet plugin ls --filter kind=runtime --format json"),
)

_TABLE = "table {{.Kind}}\t{{.Name}}\t{{.Distribution}}\t{{.Version}}\t{{.Works}}\t{{.Reason}}"
_WORKS: dict[object, str] = {True: "yes", False: "no", None: "-"}


def run(context: Context, arguments: Parsed) -> int:
    """Print the list. Exit code 0 also when some do not work: that is what it tells."""
    from rundlet.core.format.output import rows
    from rundlet.core.plugins.listing import listing

    wanted = [_condition(text) for text in arguments.texts("filter")]
    everything = arguments.flag("all") or bool(wanted)
    found = [
        _row(one)
        for one in listing(context.engine.plugins)
        if (everything or not _ordinary(one)) and all(_fits(one, *pair) for pair in wanted)
    ]
    form = arguments.text("format") or _TABLE
    if arguments.flag("quiet"):
        form = "{{.Name}}"
    if form != "json":
        found = [{**row, "Works": _WORKS[row["Works"]]} for row in found]
    context.print(rows(found, form, heading=not arguments.flag("noheading")), end="")
    return 0


def _ordinary(one: Listed) -> bool:
    """A verb of a shipped package that is as it should be: there are more than a hundred."""
    return one.kind == "command" and one.shipped and one.works is not False


def _row(one: Listed) -> dict[str, object]:
    return {
        "Kind": one.kind,
        "Name": one.name,
        "Distribution": one.distribution,
        "Version": one.version,
        "Works": one.works,
        "Reason": one.reason,
        "Details": dict(one.details),
    }


def _condition(text: str) -> tuple[str, str]:
    from rundlet.core.errors import UsageError

    name, equals, value = text.partition("=")
    if not equals or name not in ("kind", "name", "works"):
        raise UsageError(f'invalid filter "{text}": must be kind=, name= or works=')
    return name, value


def _fits(one: Listed, name: str, value: str) -> bool:
    if name == "works":
        return one.works is (value == "true")
    return str(getattr(one, name)) == value
