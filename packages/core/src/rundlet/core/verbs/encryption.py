"""The flags for encrypted layers that pull, push, copy and builds share (skopeo-copy(1))."""

from __future__ import annotations

from ..commands.declare import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..commands.context import Parsed
    from ..images.encryption import Encryption

DECRYPTION_KEY = Option(
    "decryption-key",
    help="Private key of a recipient of encrypted layers: FILE[:PASSWORD]",
    many=True,
    split=True,
    metavar="strings",
)
OPTIONS = (
    Option("encrypt-layer", help="Number of a layer to encrypt, from 0, or from -1 for the last;"
           " else all", kind="int", many=True, split=True, metavar="ints"),
    Option("encryption-key", help="Public key of a recipient to encrypt layers to: jwe:FILE",
           many=True, split=True, metavar="strings"),
)  # fmt: skip
"""Those of every verb that encrypts."""


def encryption(arguments: Parsed) -> Encryption | None:
    """The keys that were given, where a verb has these flags; None without any.

    Raises UsageError, InvalidArgument.
    """
    recipients, keys, layers = (
        _given(arguments, name) for name in ("encryption-key", "decryption-key", "encrypt-layer")
    )
    if not recipients and not keys and not layers:
        return None
    from ..errors import UsageError

    if not recipients and layers:
        raise UsageError("--encrypt-layer can only be used with --encryption-key")
    if recipients and keys:
        raise UsageError("--encryption-key and --decryption-key cannot be specified together")
    from ..images.encryption import Encryption, private, recipient

    return Encryption(
        recipients=tuple(recipient(text) for text in recipients),
        layers=tuple(int(number) for number in layers),
        keys=tuple(private(text) for text in keys),
    )


def _given(arguments: Parsed, name: str) -> tuple[str, ...]:
    found = arguments.values.get(name)
    return tuple(map(str, found)) if isinstance(found, tuple) else ()
