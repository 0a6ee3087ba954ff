"""The `--sign-` flags that push, copy, sync and builds share (skopeo-copy(1), podman-push(1))."""

from __future__ import annotations

from ..commands.declare import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..commands.context import Context, Parsed
    from ..trust.signing import Signing

SIGN_BY = Option("sign-by", help="Sign the image with the GPG key of this fingerprint or name")
SIGN_PASSPHRASE_FILE = Option(
    "sign-passphrase-file",
    help="File with the passphrase of the key: its first line",
    completes="files",
)
OPTIONS = (
    SIGN_BY,
    Option("sign-by-sigstore", help="Sign the image as a sigstore parameter file says",
           completes="files"),
    Option("sign-by-sigstore-private-key", help="Sign the image with the sigstore private key in"
           " this file", completes="files"),
    Option("sign-by-sq-fingerprint", help="Sign the image with the Sequoia key of this"
           " fingerprint"),
    SIGN_PASSPHRASE_FILE,
)  # fmt: skip
"""Those of every verb that signs."""
SIGNATURE_POLICY = Option(
    "signature-policy", help="Path of a trust policy file", completes="files", hidden=True
)
SIGN_IDENTITY = Option("sign-identity", help="Docker reference to sign the image as")
_KEYS = {
    "sign-by": "gpg",
    "sign-by-sigstore": "sigstore",
    "sign-by-sigstore-private-key": "sigstore_key",
    "sign-by-sq-fingerprint": "sequoia",
    "sign-passphrase-file": "passphrase_file",
    "sign-identity": "identity",
}


def obey(context: Context, arguments: Parsed) -> None:
    """Let --signature-policy, where a verb has it, be the trust policy of this command."""
    path = str(arguments.values.get("signature-policy") or "")
    if path:
        engine = context.engine
        engine.settings = engine.settings.replace(signature_policy=path)


def signing(arguments: Parsed) -> Signing | None:
    """What the flags of a verb say; None for none of them.

    Raises UsageError, InvalidArgument, NotFound, NotSupported.
    """
    named = {key: str(arguments.values.get(flag) or "") for flag, key in _KEYS.items()}
    if not any(named.values()):
        return None
    from ..trust.signing import from_flags

    return from_flags(**named, ask=ask)


def ask(words: str, flag: str = "--sign-passphrase-file") -> str:
    """A passphrase from the terminal. Raises UsageError where there is none: `flag` helps then."""
    import sys
    from getpass import getpass

    from ..errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(
            f"Cannot prompt for a passphrase ({words.strip(': ')}), standard input is not a TTY",
            remedy=f"Give {flag}.",
        )
    return getpass(words)
