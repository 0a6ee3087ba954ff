"""Options that several verbs of buildah have."""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Parsed

TRANSPORT: tuple[Flag | Option, ...] = (
    Option("authfile", help="Path of the authentication file", completes="files"),
    Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
    Option("creds", help="Credentials (USERNAME:PASSWORD) for the registry"),
    Option("retry", help="Number of times to retry in case of failure", kind="uint"),
    Option("retry-delay", help="Delay between retries", kind="duration"),
    Flag("tls-verify", help="Require HTTPS and verify certificates", default=True),
)
PLATFORM: tuple[Flag | Option, ...] = (
    Option("arch", help="Prefer ARCH instead of the architecture of the host", metavar="ARCH"),
    Option("os", help="Prefer OS instead of the running OS", metavar="OS"),
    Option("platform", help="Prefer OS/ARCH[/VARIANT]", many=True, split=True),
    Option("variant", help="Override the variant of the image"),
)
ADD_HISTORY = Flag(
    "add-history",
    help="Add an entry for this operation to the image's history (also BUILDAH_HISTORY=true)",
)


def add_history(arguments: Parsed) -> bool:
    """--add-history, or the variable BUILDAH_HISTORY."""
    if "add-history" in arguments.given:
        return arguments.flag("add-history")
    import os

    return os.environ.get("BUILDAH_HISTORY", "").lower() in ("1", "true", "yes")
