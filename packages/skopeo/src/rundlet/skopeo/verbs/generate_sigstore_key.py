"""`rundlet-skopeo generate-sigstore-key` (skopeo-generate-sigstore-key(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="generate-sigstore-key",
    summary="Generate a sigstore public/private key pair",
    usage="[options] --output-prefix PREFIX",
    description="Writes PREFIX.private, encrypted with a passphrase, and PREFIX.pub.",
    run="rundlet.skopeo.verbs.generate_sigstore_key:run",
    options=(
        Option("output-prefix", help="Write the keys to PREFIX.pub and PREFIX.private",
               completes="files"),
        Option("passphrase-file", help="File with the passphrase of the key: its first line",
               completes="files"),
    ),
    examples=("rundlet-skopeo generate-sigstore-key --output-prefix mykey",),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Write both files; neither of them where one is there already."""
    import os

    from rundlet.core.errors import AlreadyExists, UsageError
    from rundlet.core.trust.signing import first_line
    from rundlet.core.trust.sigstore import keys

    prefix = arguments.text("output-prefix")
    if not prefix:
        raise UsageError("Must specify --output-prefix")
    private, public = f"{prefix}.private", f"{prefix}.pub"
    for path in (private, public):
        if os.path.lexists(path):
            raise AlreadyExists(f"Refusing to overwrite existing {path}")
    file = arguments.text("passphrase-file")
    passphrase = first_line(file) if file else _asked()
    key = keys.generate()
    _write(private, keys.encrypted(key, passphrase.encode(errors="surrogateescape")), 0o600)
    _write(public, keys.pem(key.public_key()), 0o644)
    context.print(f'Key written to "{private}" and "{public}"')
    return 0


def _asked() -> str:
    """A passphrase that was typed twice. Raises UsageError."""
    from rundlet.core.errors import UsageError
    from rundlet.core.verbs.signing import ask

    first = ask("Enter passphrase for the new key: ", "--passphrase-file")
    if ask("Enter it again: ", "--passphrase-file") != first:
        raise UsageError("The passphrases are not the same")
    return first


def _write(path: str, data: bytes, mode: int) -> None:
    import os

    from rundlet.core.transports.files import failing

    with failing(path, "writing"):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(descriptor, "wb") as file:
            file.write(data)
