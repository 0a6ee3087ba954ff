"""Where images are: `TRANSPORT:PATH`, and the options that say how to get there.

skopeo has each such option once for `inspect` and its like, and with the prefixes `src-` and
`dest-` for `copy`.
"""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.contracts.transport import (
        ImageTransport,
        Location,
        Platform,
        TransportSettings,
    )


def options(prefix: str = "") -> tuple[Flag | Option, ...]:
    """The options of one end."""
    return (
        Option(f"{prefix}authfile", help="Path of the authentication file", completes="files"),
        Option(f"{prefix}cert-dir", help="Directory with certificates", completes="files"),
        Option(f"{prefix}creds", help="Use USERNAME[:PASSWORD] for accessing the registry"),
        Flag(f"{prefix}no-creds", help="Access the registry anonymously"),
        Option(f"{prefix}password", help="Password for accessing the registry"),
        Option(f"{prefix}registry-token", help="Bearer token for accessing the registry"),
        Option(f"{prefix}shared-blob-dir", help="Directory to share blobs across OCI layouts"),
        Flag(f"{prefix}tls-verify", help="Require HTTPS and verify certificates", default=True),
        Option(f"{prefix}username", help="Username for accessing the registry"),
    )


def settings(context: Context, arguments: Parsed, prefix: str = "") -> TransportSettings:
    """What the options of one end say. Raises UsageError where they contradict."""
    from pathlib import Path

    from rundlet.core.contracts.transport import TransportSettings

    def text(name: str) -> str:
        return arguments.text(f"{prefix}{name}")

    # `copy --authfile` is for both ends that have none of their own.
    auth_file = text("authfile") or str(arguments.values.get("authfile") or "")
    verify = f"{prefix}tls-verify" in arguments.given
    temporary = context.options.text("tmpdir")
    extra = {"shared_blob_dir": text("shared-blob-dir")} if text("shared-blob-dir") else {}
    retries = arguments.values.get("retry-times")
    found = TransportSettings(
        tls_verify=arguments.flag(f"{prefix}tls-verify") if verify else None,
        credentials=_credentials(arguments, prefix),
        bearer_token=text("registry-token"),
        auth_file=Path(auth_file) if auth_file else None,
        cert_dir=Path(text("cert-dir")) if text("cert-dir") else None,
        temporary=Path(temporary) if temporary else None,
        platform=platform(context),
        options=extra,
    )
    return found.replace(retries=int(str(retries))) if retries else found


def _credentials(arguments: Parsed, prefix: str) -> tuple[str, str] | None:
    from rundlet.core.errors import UsageError

    creds = arguments.text(f"{prefix}creds")
    user = arguments.text(f"{prefix}username")
    password = arguments.text(f"{prefix}password")
    nobody = arguments.flag(f"{prefix}no-creds")
    if nobody and (creds or user):
        raise UsageError(f"creds and {prefix}no-creds cannot be specified at the same time")
    if creds and user:
        raise UsageError(f"creds and {prefix}username cannot be specified at the same time")
    if nobody:
        return "", ""
    if creds:
        user, _, password = creds.partition(":")
    return (user, password) if user else None


def platform(context: Context) -> Platform:
    """This machine's, with the --override options."""
    from rundlet.core.images.manifest import native

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
