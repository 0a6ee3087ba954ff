"""`rundlet container runlabel`: run a command that an image names in a label.

podman-container-runlabel(1). $NAME, $IMAGE, $OPT1 to $OPT3 and $PWD are filled in; a command
that begins with podman or docker is run by this program, on the same store.
"""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.commands.options import AUTHFILE
from rundlet.core.verbs.tls_details import TLS_DETAILS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.state.images import Image

VERB = Verb(
    name="container runlabel",
    summary="Execute the command described by an image label",
    usage="[options] LABEL IMAGE [ARG...]",
    run="rundlet.cli.verbs.container_runlabel:run",
    options=(
        AUTHFILE,
        Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
        Option("creds", help="Credentials (USERNAME:PASSWORD) for the registry"),
        Flag("display", help="Preview the command that the label would run"),
        Option("name", "n", help="Assign a name to the container"),
        Option("opt1", help="Value of $OPT1", hidden=True),
        Option("opt2", help="Value of $OPT2", hidden=True),
        Option("opt3", help="Value of $OPT3", hidden=True),
        Flag("quiet", "q", help="Suppress output information when installing images"),
        Flag("replace", help="Replace existing container with a new one from the image"),
        TLS_DETAILS,
        Flag("tls-verify", help="Require HTTPS and verify certificates", default=True),
    ),
    arguments=Arguments(minimum=2, completes="images", interspersed=False),
    examples=("rundlet container runlabel --display install IMAGE",),
)  # fmt: skip

# Words that podman fills in too, where they stand alone.
_BARE = {
    "IMAGE": "$IMAGE",
    "NAME": "$NAME",
    "IMAGE=IMAGE": "IMAGE=$IMAGE",
    "NAME=NAME": "NAME=$NAME",
}
_OURS = ("podman", "docker", "rundlet")
_MAIN = "import sys; from rundlet.cli.main import main; sys.exit(main())"


def run(context: Context, arguments: Parsed) -> int:
    """Fill in the command, show it, and with its exit code as ours run it."""
    import os
    import shlex
    import subprocess

    from rundlet.core.errors import InvalidArgument, NotFound

    from .pull import pull_one

    label, name, *given = arguments.arguments
    image = context.engine.images.find(name)
    if image is None:
        image = pull_one(
            context, arguments, name,
            policy="missing", platform="", quiet=arguments.flag("quiet"),
        )  # fmt: skip
    values = image.labels
    text = values.get(label) or values.get(label.upper()) or values.get(label.lower())
    if not text:
        raise NotFound(f"cannot find the value of label: {label} in image: {name}")
    variables = _variables(arguments, image, name)
    try:
        words = [_filled(word, variables) for word in shlex.split(text)] + given
    except ValueError as error:
        raise InvalidArgument(f"label {label} of image {name}: {error}: {text!r}") from None
    if arguments.flag("display"):
        context.print(f"command: {' '.join(words)}")
        return 0
    command = _command(context, words, replace=arguments.flag("replace"))
    context.stdout.flush()
    try:
        done = subprocess.run(command, env={**os.environ, **variables}, check=False)
    except OSError as error:
        raise NotFound(f"{command[0]}: {error.strerror}") from None
    return done.returncode


def _variables(arguments: Parsed, image: Image, name: str) -> dict[str, str]:
    import os

    full = name if name in image.names or not image.names else image.names[0]
    base = full.rpartition("/")[2].partition("@")[0].partition(":")[0]
    values = {key: arguments.text(key) for key in ("opt1", "opt2", "opt3")}
    return {
        "NAME": arguments.text("name") or base,
        "IMAGE": full,
        "PWD": os.getcwd(),
        **{key.upper(): value for key, value in values.items() if value},
    }


def _filled(word: str, variables: Mapping[str, str]) -> str:
    """$NAME, ${NAME} and a bare NAME replaced; an unknown variable is empty, as in a shell."""
    import re

    def value(match: re.Match[str]) -> str:
        return variables.get(match[1] or match[2], "")

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, _BARE.get(word, word))


def _command(context: Context, words: Sequence[str], *, replace: bool) -> list[str]:
    import sys

    first = words[0].rpartition("/")[2]
    if first not in _OURS:
        return list(words)
    settings = context.engine.settings
    places = ["--root", settings.graph_root, "--runroot", settings.run_root]
    verb, *rest = words[1:] or ["help"]
    replacing = ["--replace"] if replace and verb in ("run", "create") else []
    return [sys.executable, "-P", "-c", _MAIN, *places, verb, *replacing, *rest]
