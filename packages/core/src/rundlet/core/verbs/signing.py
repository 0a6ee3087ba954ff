"""The `--sign-` flags that push, copy, sync and builds share (skopeo-copy(1), podman-push(1))."""

from __future__ import annotations

from ..commands.declare import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..commands.context import Parsed
    from ..trust.signing import Signing

SIGN_BY = Option("sign-by", help="Sign the image with the GPG key of this fingerprint or name")
SIGN_PASSPHRASE_FILE = Option(
    "sign-passphrase-file",
    help="File with the passphrase of the key: its first line",
    completes="files",
)
OPTIONS = (SIGN_BY, SIGN_PASSPHRASE_FILE)
"""Those of every verb that signs."""


def signing(arguments: Parsed) -> Signing | None:
    """What the flags of a verb say; None for none of them. Raises UsageError, InvalidArgument."""
    named = {key: str(arguments.values.get(flag) or "") for flag, key in _KEYS.items()}
    if not any(named.values()):
        return None
    from ..trust.signing import from_flags

    return from_flags(**named)


_KEYS = {"sign-by": "gpg", "sign-passphrase-file": "passphrase_file", "sign-identity": "identity"}
