"""Where images are: `TRANSPORT:PATH`, and the options that say how to get there.

skopeo has each such option once for `inspect` and its like, and with the prefixes `src-` and
`dest-` for `copy` and `sync`.
"""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Option
from rundlet.core.commands.options import AUTHFILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.contracts.transport import (
        ImageTransport,
        Location,
        Platform,
        TransportSettings,
    )

BOTH_ENDS = Flag(
    "tls-verify", help="Require HTTPS and verify certificates", default=True, hidden=True
)
"""`copy` and `sync` had it for both ends once, and still take it."""


def registry_options(prefix: str = "") -> tuple[Flag | Option, ...]:
    """The options of one end that is a registry."""
    end = {"src-": "source ", "dest-": "destination "}.get(prefix, "")
    old = {"src-": ("screds",), "dest-": ("dcreds",)}.get(prefix, ())
    return (
        AUTHFILE.replace(name=f"{prefix}authfile", aliases=()),
        Option(f"{prefix}cert-dir", help=f"Directory with certificates for the {end}registry",
               completes="files"),
        Option(f"{prefix}creds", help=f"Use USERNAME[:PASSWORD] for the {end}registry",
               aliases=old),
        Flag(f"{prefix}no-creds", help=f"Access the {end}registry anonymously"),
        Option(f"{prefix}password", help=f"Password for the {end}registry"),
        Option(f"{prefix}registry-token", help=f"Bearer token for the {end}registry"),
        Flag(f"{prefix}tls-verify", help="Require HTTPS and verify certificates", default=True),
        Option(f"{prefix}username", help=f"Username for the {end}registry"),
    )  # fmt: skip


def options(prefix: str = "") -> tuple[Flag | Option, ...]:
    """The options of one end that may be of any transport."""
    return (
        *registry_options(prefix),
        Option(f"{prefix}daemon-host", help="Use the Docker daemon at HOST (docker-daemon: only)"),
        Option(f"{prefix}shared-blob-dir", help="Directory to share blobs across OCI layouts"),
    )


def settings(context: Context, arguments: Parsed, prefix: str = "") -> TransportSettings:
    """What the options of one end say. Raises UsageError where they contradict."""
    from rundlet.core.contracts.transport import TransportSettings
    from rundlet.core.verbs.tls_details import tls_details

    def text(name: str) -> str:
        return str(arguments.values.get(f"{prefix}{name}") or "")

    # `copy --authfile` is for both ends that have none of their own.
    auth_file = text("authfile") or str(arguments.values.get("authfile") or "")
    return TransportSettings(
        tls_verify=_tls_verify(arguments, prefix),
        credentials=_credentials(arguments, prefix),
        bearer_token=text("registry-token"),
        auth_file=_path(auth_file),
        cert_dir=_path(text("cert-dir")),
        tls_details=tls_details(context.options.text("tls-details")),
        temporary=_path(context.options.text("tmpdir")),
        platform=platform(context),
        options={
            "engine": context.engine,
            "registries_conf": context.engine.settings.registries_conf,
            "registries_d": context.options.text("registries.d")
            or context.engine.settings.registries_d,
            "docker_host": text("daemon-host"),
            "shared_blob_dir": text("shared-blob-dir"),
            "user_agent_prefix": context.options.text("user-agent-prefix"),
        },
    )


def _path(text: str) -> Path | None:
    if not text:
        return None
    from pathlib import Path  # slow to import, and rarely asked for

    return Path(text)


def _tls_verify(arguments: Parsed, prefix: str) -> bool | None:
    """As it was typed for this end, else for both; None where it was not."""
    for name in (f"{prefix}tls-verify", "tls-verify"):
        if name in arguments.given:
            return arguments.flag(name)
    return None


def _credentials(arguments: Parsed, prefix: str) -> tuple[str, str] | None:
    from rundlet.core.errors import UsageError

    creds = arguments.text(f"{prefix}creds")
    user = arguments.text(f"{prefix}username")
    password = arguments.text(f"{prefix}password")
    nobody = arguments.flag(f"{prefix}no-creds")
    for name, typed in (("creds", creds), ("username", user)):
        if nobody and typed:
            raise UsageError(f"{prefix}{name} and {prefix}no-creds cannot be specified together")
    if creds and user:
        raise UsageError(f"{prefix}creds and {prefix}username cannot be specified together")
    if bool(user) != bool(password):
        raise UsageError(f"{prefix}username and {prefix}password are needed together")
    if nobody:
        return "", ""
    if creds:
        user, _, password = creds.partition(":")
        if not user:
            raise UsageError("credentials can't be empty")
    return (user, password) if user else None


def platform(context: Context) -> Platform:
    """This machine's, with the --override options."""
    from rundlet.core.images.platforms import native

    found = native()
    words = {
        "os": context.options.text("override-os"),
        "architecture": context.options.text("override-arch"),
        "variant": context.options.text("override-variant"),
    }
    if words["architecture"] and not words["variant"]:
        found = found.replace(variant="")
    return found.replace(**{key: value for key, value in words.items() if value})


def located(context: Context, text: str) -> tuple[ImageTransport, Location]:
    """The transport and location of "TRANSPORT:PATH". Raises InvalidArgument."""
    from rundlet.core.errors import InvalidArgument

    name, colon, path = text.partition(":")
    known = {entry.name for entry in context.engine.plugins.available("transport")}
    if not colon or name not in known:
        raise InvalidArgument(
            f'Invalid image name "{text}", unknown transport "{name}"' if colon else
            f'Invalid image name "{text}", expected colon-separated transport:reference',
            remedy=f"Known transports: {', '.join(sorted(known))}.",
        )  # fmt: skip
    transport = context.engine.plugins.transport(name)
    return transport, transport.parse(path)
