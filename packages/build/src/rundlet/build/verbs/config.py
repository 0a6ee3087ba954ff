"""`rundlet-build config`: what the image is to say (buildah-config(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

from .words import ADD_HISTORY, add_history

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.build.working.container import WorkingContainer
    from rundlet.core.commands.context import Context, Parsed

_LISTS = (
    Option("annotation", "a", "Add an annotation: name=value; name- takes it away", many=True),
    Option("env", "e", "Add a variable: name=value; name- takes it away", many=True),
    Option("label", "l", "Add a label: name=value; name- takes it away", many=True),
    Option("onbuild", help="Add an ONBUILD instruction (docker format)", many=True),
    Option("os-feature", help="Add a required OS feature; feature- takes it away", many=True),
    Option("port", "p", "Add a port to expose; port- takes it away", many=True),
    Option("volume", "v", "Add a volume; volume- takes it away", many=True),
)
_TEXTS = (
    Option("arch", help="Set the architecture of the target image"),
    Option("author", help="Set the author's contact information"),
    Option("cmd", help="Set the default command"),
    Option("comment", help="Set a comment in the target image (docker format)"),
    Option("created-by", help="Set the description of how the image was created"),
    Option("domainname", help="Set a domain name (docker format)"),
    Option("entrypoint", help="Set the entry point: a text for a shell, or a JSON list"),
    Option("healthcheck", help="Set a healthcheck: NONE, CMD ... or CMD-SHELL ..."),
    Option("healthcheck-interval", help="Time between runs of the healthcheck", kind="duration"),
    Option("healthcheck-retries", help="Number of failures that make it unhealthy", kind="uint"),
    Option("healthcheck-start-period", help="Time at first in which failures do not count",
           kind="duration"),
    Option("healthcheck-timeout", help="Time that the healthcheck may take", kind="duration"),
    Option("history-comment", help="Set a comment in the history of the image"),
    Option("hostname", help="Set a hostname (docker format)"),
    Option("os", help="Set the operating system of the target image"),
    Option("os-version", help="Set the required OS version"),
    Option("shell", help="Set the shell for commands in shell form (docker format)"),
    Option("stop-signal", help="Set the stop signal"),
    Option("user", "u", "Set the default user"),
    Option("variant", help="Set the architecture variant of the target image"),
    Option("workingdir", help="Set the working directory"),
)  # fmt: skip
VERB = Verb(
    name="config",
    summary="Update image configuration settings",
    usage="[options] CONTAINER",
    description="Modifies the configuration values which will be saved to the image.",
    run="rundlet.build.verbs.config:run",
    options=(ADD_HISTORY, *_LISTS, *_TEXTS),
    arguments=Arguments(minimum=1, maximum=1, completes="containers"),
    examples=("rundlet-build config --cmd 'nginx -g \"daemon off;\"' --port 80 web",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Change and keep it; warns of what the image's format does not have."""
    import os

    from rundlet.build.working.configuring import Changes, apply
    from rundlet.build.working.containers import WorkingContainers

    container = WorkingContainers(context.engine).get(arguments.arguments[0])
    changes = Changes(
        texts={
            option.name: arguments.text(option.name)
            for option in _TEXTS
            if option.name in arguments.given
        },
        lists={option.name: arguments.texts(option.name) for option in _LISTS},
        environment=dict(os.environ),
    )
    steps = apply(container.config, changes)
    _warn(context, arguments, container)
    container.save()
    if add_history(arguments):
        for step in steps:
            container.note(step)
    return 0


def _warn(context: Context, arguments: Parsed, container: WorkingContainer) -> None:
    from rundlet.build.working.configuring import DOCKER_ONLY

    config = container.config
    if config.format != "docker":
        words = {**{word.lower(): word for word in DOCKER_ONLY.values()}, "comment": "COMMENT"}
        for flag, word in words.items():
            if flag in arguments.given:
                context.warn(
                    f"{word} is not supported for OCI image format and will be ignored."
                    " Must use `docker` format"
                )
    if "entrypoint" in arguments.given and "cmd" not in arguments.given:
        command, entry = config.config.get("Cmd"), config.config.get("Entrypoint") or []
        if command and entry[:2] == ["/bin/sh", "-c"]:
            context.warn(f'cmd "{" ".join(command)}" exists but will be ignored because of'
                         " entrypoint settings")  # fmt: skip
        elif command and entry:
            context.warn(f'cmd "{" ".join(command)}" exists and will be passed to entrypoint as a'
                         " parameter")  # fmt: skip
