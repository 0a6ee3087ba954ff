"""`rundlet-build inspect`: a working container or an image (buildah-inspect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="inspect",
    summary="Inspect the configuration of a container or image",
    usage="[options] CONTAINER|IMAGE",
    description="Inspects a working container's or an image's configuration.",
    run="rundlet.build.verbs.inspect:run",
    options=(
        Option("format", "f", help="Use format as a Go template to format the output"),
        Option("type", "t", help="What the name is of: container or image",
               choices=("container", "image")),
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="containers"),
    examples=("rundlet-build inspect --format '{{.OCIv1.Config.Env}}' web",),
)  # fmt: skip

_GO = {
    "created": "Created",
    "author": "Author",
    "architecture": "Architecture",
    "os": "OS",
    "variant": "Variant",
    "config": "Config",
    "container_config": "ContainerConfig",
    "rootfs": "RootFS",
    "history": "History",
    "created_by": "CreatedBy",
    "comment": "Comment",
    "empty_layer": "EmptyLayer",
    "diff_ids": "DiffIDs",
    "type": "Type",
    "os.version": "OSVersion",
    "os.features": "OSFeatures",
}
"""Names of fields in a template, where JSON has others (image-spec's Go structures)."""


def run(context: Context, arguments: Parsed) -> int:
    """Print the document, or what a template says. Without --type a container goes first."""
    found = _found(context, arguments.arguments[0], arguments.text("type"))
    if arguments.text("format"):
        from rundlet.core.format.template import Template

        context.print(Template(arguments.text("format")).render(_structs(found)))
        return 0
    from rundlet.core.format.output import pretty

    context.print(pretty(found))
    return 0


def _found(context: Context, name: str, kind: str) -> dict[str, Any]:
    from rundlet.build.working import inspecting
    from rundlet.build.working.containers import WorkingContainers
    from rundlet.core.errors import NoSuchContainer

    if kind != "image":
        try:
            return inspecting.of_container(WorkingContainers(context.engine).get(name))
        except NoSuchContainer:
            if kind:
                raise
    return inspecting.of_image_document(context.engine, context.engine.images.get(name))


def _structs(value: Any) -> Any:
    if isinstance(value, dict):
        return {_GO.get(key, key): _structs(content) for key, content in value.items()}
    if isinstance(value, list):
        return [_structs(item) for item in value]
    return value
