"""What the words of `TRANSPORT` and `PLATFORM` mean: where images come from, and which."""

from __future__ import annotations

from rundlet.core.contracts.transport import Platform, TransportSettings
from rundlet.core.errors import UsageError
from rundlet.core.images.platforms import native, parse_platform
from rundlet.core.verbs.tls_details import tls_details

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from rundlet.core.commands.context import Parsed

_PULL = {
    "true": "always",
    "false": "missing",
    "ifnotexists": "missing",
    "ifmissing": "missing",
    "ifnewer": "newer",
}
_POLICIES = ("always", "missing", "never", "newer")


def platforms(arguments: Parsed) -> tuple[Platform, ...]:
    """--platform, or --os, --arch and --variant. Raises UsageError for both."""
    given = tuple(parse_platform(text) for text in arguments.texts("platform"))
    parts = [arguments.text(name) for name in ("os", "arch", "variant")]
    if not any(parts):
        return given
    if given:
        raise UsageError("--platform may not be used with --os, --arch, or --variant")
    here = native()
    return (Platform(parts[0] or here.os, parts[1] or here.architecture, parts[2]),)


def pull_policy(arguments: Parsed) -> str:
    """--pull, --pull-always, --pull-never as always, missing, never or newer."""
    for name in ("always", "never"):
        if arguments.values.get(f"pull-{name}"):
            return name
    if "pull" not in arguments.given:
        return "missing"
    text = arguments.text("pull").lower()
    policy = _PULL.get(text, text)
    if policy not in _POLICIES:
        raise UsageError(f"unrecognized pull policy {text!r}", remedy=", ".join(_POLICIES))
    return policy


def transport_settings(arguments: Parsed) -> TransportSettings:
    """What `registry_settings` says, --authfile, --cert-dir, --retry, --retry-delay."""
    return registry_settings(arguments).replace(
        auth_file=_path(arguments, "authfile"),
        cert_dir=_path(arguments, "cert-dir"),
        retries=arguments.number("retry"),
        retry_delay=arguments.seconds("retry-delay"),
    )


def registry_settings(arguments: Parsed) -> TransportSettings:
    """--creds, --tls-details and --tls-verify alone. Raises UsageError."""
    credentials = None
    if arguments.text("creds"):
        name, colon, password = arguments.text("creds").partition(":")
        if not colon:
            raise UsageError("give --creds USERNAME:PASSWORD")
        credentials = (name, password)
    return TransportSettings(
        tls_verify=arguments.flag("tls-verify") if "tls-verify" in arguments.given else None,
        credentials=credentials,
        tls_details=tls_details(arguments.text("tls-details")),
    )


def _path(arguments: Parsed, name: str) -> Path | None:
    text = arguments.text(name)
    if not text:
        return None
    from pathlib import Path  # slow to import, and rarely asked for

    return Path(text)
