"""`rundlet runtime set-default`: which OCI runtime new containers get."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="runtime set-default",
    summary="Choose the OCI runtime of new containers",
    usage="[options] NAME",
    description="Writes a drop-in of rundlet.toml (90-runtime.toml), or the file that RUNDLET_CONF"
    " names. Containers that exist keep the runtime that they were created with.",
    run="rundlet.cli.verbs.runtime_set_default:run",
    options=(Flag("force", "f", help="Also one that does not work on this machine"),),
    arguments=Arguments(minimum=1, maximum=1, completes="runtime"),
    examples=("rundlet runtime set-default runc",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the file. Raises PluginError for an unknown runtime, DriverUnavailable for one
    that does not work, SettingsError when a stronger setting would hide the new one."""
    import os

    from rundlet.core.errors import DriverUnavailable, SettingsError
    from rundlet.core.settings.change import set_value
    from rundlet.core.settings.load import load

    (name,) = arguments.arguments
    probe = context.engine.plugins.runtime(name).probe()
    if not probe.works and not arguments.flag("force"):
        raise DriverUnavailable(
            f"OCI runtime {name} does not work here: {probe.reason}",
            remedy="Choose another, or use --force.",
        )
    if os.environ.get("RUNDLET_RUNTIME", name) != name:
        raise SettingsError(
            f"RUNDLET_RUNTIME={os.environ['RUNDLET_RUNTIME']} would have the last word",
            remedy="Unset RUNDLET_RUNTIME.",
        )
    path = set_value("runtime", name, drop_in="90-runtime.toml")
    if load().runtime != name:
        raise SettingsError(
            f"{path} is written, but a drop-in that is read after it sets `runtime`",
            remedy=f"Remove the other one of {os.path.dirname(path)}.",
        )
    context.print(path)
    return 0
