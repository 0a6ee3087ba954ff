"""`rundlet completion`: completion scripts for shells (podman-completion(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="completion",
    summary="Generate shell autocompletions",
    usage="[options] {bash|zsh|fish}",
    description="Generate shell autocompletions. Valid arguments are bash, zsh, and fish.",
    run="rundlet.cli.verbs.completion:run",
    options=(
        Option("file", "f", help="Output the completion to file rather than stdout"),
        Flag("no-desc", help="Don't include descriptions in the completion output"),
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="shells"),
    examples=("rundlet completion bash", "rundlet completion zsh -f _rundlet"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print or write the script."""
    from rundlet.core.commands.shells import script
    from rundlet.core.errors import InvalidArgument

    text = script(context.program.name, arguments.arguments[0])
    if arguments.flag("no-desc"):
        text = text.replace(" __complete ", " __completeNoDesc ")
    path = arguments.text("file")
    if not path:
        context.print(text, end="")
        return 0
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InvalidArgument(f"cannot write {path}: {error.strerror}") from error
    return 0
