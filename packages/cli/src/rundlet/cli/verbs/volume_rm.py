"""`rundlet volume rm`: remove volumes (podman-volume-rm(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume rm",
    summary="Remove one or more volumes",
    usage="[options] VOLUME [VOLUME...]",
    description="Removes volumes that no container uses; with --force, the containers too.",
    run="rundlet.cli.verbs.volume_rm:run",
    options=(
        Flag("all", "a", help="Remove all volumes"),
        Flag("force", "f", help="Remove a volume by force, even if it is used by a container"),
        Option("time", "t", help="Seconds to wait for running containers to stop", kind="int"),
    ),
    arguments=Arguments(completes="volumes"),
    examples=("rundlet volume rm myvol1 myvol2", "rundlet volume rm --all"),
)

_MISSING = 1
"""The exit code when all that went wrong is that a volume is not there; in use is 2."""


def run(context: Context, arguments: Parsed) -> int:
    """Remove each and print its name; an error does not keep the others."""
    from rundlet.core.errors import NoSuchVolume, RundletError, UsageError

    volumes, names = context.engine.volumes, arguments.arguments
    if arguments.flag("all") == bool(names):
        raise UsageError("choose either one or more volumes or all")
    force, code = arguments.flag("force"), 0
    if "time" in arguments.given and not force:
        raise UsageError("--force option must be specified to use the --time option")
    for name in names or [volume.name for volume in volumes.list()]:
        try:
            if force:
                _remove_users(context, volumes.get(name).name, arguments.number("time"))
            context.print(volumes.remove(name, force=force))
        except NoSuchVolume as error:
            if not force:
                context.stderr.write(f"Error: {error}\n")
                code = code or _MISSING
        except RundletError as error:
            context.stderr.write(f"Error: {error}\n")
            code = error.exit_code if code in (0, _MISSING) else max(code, error.exit_code)
    return code


def _remove_users(context: Context, volume: str, timeout: int | None) -> None:
    containers = context.engine.containers
    for container in containers.dependents_first(context.engine.volumes.users(volume)):
        containers.remove(container, force=True, timeout=timeout)
