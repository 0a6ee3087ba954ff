"""`rundlet info`: the machine, the store and how both are configured (podman-info(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="info",
    summary="Display rundlet system information",
    description="Displays information about the host, the store and the version of rundlet.",
    run="rundlet.cli.verbs.info:run",
    options=(
        Flag("debug", "D", help="Display additional debug information", hidden=True),
        Option(
            "format", "f", help="Change the output format to JSON or a Go template", kind="template"
        ),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet info", "rundlet info --format '{{.Host.OCIRuntime.Name}}'"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print YAML, JSON, or what a template says."""
    from rundlet.core.info.document import document

    found = document(context.engine)
    form = arguments.text("format")
    if form == "json":
        import json

        context.print(json.dumps(found, indent=2, ensure_ascii=False))
    elif form:
        from rundlet.core.format.template import Template
        from rundlet.core.info.names import structs

        context.print(Template(form).render(structs(found)))
    else:
        from rundlet.core.format.yaml import dump

        context.print(dump(found), end="")
    return 0
