"""`rundlet create`: make a container, do not start it (podman-create(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

from ..request.options import CREATE_OPTIONS, RUNTIME_OPTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="create",
    summary="Create but do not start a container",
    usage="[options] IMAGE [COMMAND [ARG...]]",
    run="rundlet.cli.verbs.create:run",
    options=(*CREATE_OPTIONS, RUNTIME_OPTION),
    arguments=Arguments(minimum=1, interspersed=False, completes="images"),
    examples=("rundlet create --name web -p 8080:80 nginx",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Create and print the id."""
    from ..request.build import build
    from ..request.configured import configured
    from .run import ensure_image, replace

    arguments = configured(arguments, context.engine.settings)
    request = build(arguments)
    ensure_image(context, arguments, request)
    replace(context, arguments)
    container = context.engine.containers.create(request)
    context.print(container.id)
    return 0
