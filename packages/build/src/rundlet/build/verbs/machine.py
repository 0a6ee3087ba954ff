"""`rundlet-build info`, `prune` and `unshare` (buildah-info(1), -prune(1), -unshare(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed

INFO = Verb(
    name="info",
    summary="Display system information",
    description="Displays information about the host and the store.",
    run="rundlet.build.verbs.machine:info",
    options=(
        Flag("debug", "d", "Display additional debug information"),
        Option("format", help="Use format as a Go template to format the output"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet-build info --format '{{.store.GraphRoot}}'",),
)
PRUNE = Verb(
    name="prune",
    summary="Remove images that nothing needs, and what builds have cached",
    description="Removes images without a name that no container uses, the caches of RUN"
    " --mount=type=cache, and what killed builds left.",
    run="rundlet.build.verbs.machine:prune",
    options=(
        Flag("all", "a", "Remove all images that no container uses"),
        Flag("force", "f", "Remove images that containers use, and those containers"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet-build prune --all",),
)
UNSHARE = Verb(
    name="unshare",
    summary="Run a command with working containers mounted",
    usage="[options] [COMMAND [ARG...]]",
    description="Runs a command, or a shell, as the owner of the store; --mount sets variables"
    " to where containers are mounted meanwhile.",
    run="rundlet.build.verbs.machine:unshare",
    options=(
        Option("mount", "m", help="Mount containers: CONTAINER or VARIABLE=CONTAINER", many=True,
               split=True),
    ),
    arguments=Arguments(interspersed=False),
    examples=("rundlet-build unshare --mount ROOT=web sh -c 'ls $ROOT'",),
)  # fmt: skip


def info(context: Context, arguments: Parsed) -> int:
    """Print JSON with buildah's keys, or what a template says."""
    found = _info(context)
    if arguments.flag("debug"):
        import sys

        from rundlet.build import __version__

        found["debug"] = {
            "buildah version": __version__,
            "python version": sys.version.split()[0],
            "compiler": sys.implementation.name,
        }
    if arguments.text("format"):
        from rundlet.core.format.template import Template

        context.print(Template(arguments.text("format")).render(found))
        return 0
    from rundlet.core.format.output import pretty

    context.print(pretty(found))
    return 0


def _info(context: Context) -> dict[str, Any]:
    from rundlet.core.info.document import document

    whole = document(context.engine)
    host, store = whole["host"], whole["store"]
    keys = {"memFree": "MemFree", "memTotal": "MemTotal", "swapFree": "SwapFree"}
    keys |= {"swapTotal": "SwapTotal", "cgroupVersion": "CgroupVersion"}
    told = {name: host.get(key) for key, name in keys.items()}
    same = ("arch", "cpus", "hostname", "kernel", "os", "uptime", "variant")
    told |= {name: host.get(name) for name in same}
    told["Distribution"] = host.get("distribution")
    told["OCIRuntime"] = (host.get("ociRuntime") or {}).get("name", "")
    told["rootless"] = bool((host.get("security") or {}).get("rootless"))
    return {
        "host": dict(sorted(told.items())),
        "store": {
            "ContainerStore": {"number": (store.get("containerStore") or {}).get("number", 0)},
            "GraphDriverName": store.get("graphDriverName"),
            "GraphOptions": store.get("graphOptions"),
            "GraphRoot": store.get("graphRoot"),
            "GraphStatus": store.get("graphStatus"),
            "ImageStore": {"number": (store.get("imageStore") or {}).get("number", 0)},
            "RunRoot": store.get("runRoot"),
        },
    }


def prune(context: Context, arguments: Parsed) -> int:
    """Remove, with the caches of RUNs; prints the ids of the images that are gone."""
    from contextlib import closing

    from rundlet.build.execute.cache import StepCache
    from rundlet.core.containers.unfinished import collect
    from rundlet.core.system import builds

    engine = context.engine
    collect(engine)
    builds.sweep(engine)
    everything = arguments.flag("all")
    listed = [one for one in engine.images.list() if everything or not one.names]
    used = [one.id for one in listed if one.containers and not one.store]
    for image in used if arguments.flag("force") else ():
        engine.images.remove(image, force=True)
        context.print(image)
    for image in engine.images.prune([one.id for one in listed]):
        context.print(image)
    builds.prune_caches(engine)
    with closing(StepCache(engine)) as steps:
        steps.prune()
    return 0


def unshare(context: Context, arguments: Parsed) -> int:
    """Run the command; its exit code is ours. Root owns the store, so no namespace is needed."""
    import os
    import subprocess
    from contextlib import ExitStack

    from rundlet.build.working.containers import WorkingContainers
    from rundlet.core.errors import CommandNotFound

    words = list(arguments.arguments) or [os.environ.get("SHELL") or "/bin/sh"]
    if words[0] == "--":
        del words[0]
    environment = dict(os.environ)
    containers = WorkingContainers(context.engine)
    with ExitStack() as stack:
        for text in arguments.texts("mount"):
            variable, equals, name = text.partition("=")
            root = stack.enter_context(containers.get(name if equals else variable).root())
            environment[variable] = root
        context.stdout.flush()
        try:
            return subprocess.call(words, env=environment)
        except FileNotFoundError:
            raise CommandNotFound(f"{words[0]}: command not found") from None
