"""Files for `--sign-by-sigstore` (containers-sigstore-signing-params.yaml(5)).

`bundle: true` is Rundlet's own: sign by a bundle, as cosign 3 does, instead of an attachment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import InvalidArgument, NotSupported
from ...transports.files import failing
from . import keys
from .sign import SigstoreSigner

if TYPE_CHECKING:
    from typing import Any

    from ..signing import Ask

_FIELDS = ("privateKeyFile", "privateKeyPassphraseFile", "fulcio", "rekorURL", "bundle")
_FULCIO = (
    "fulcioURL", "oidcMode", "oidcIssuerURL", "oidcClientID", "oidcClientSecret", "oidcIDToken",
)  # fmt: skip
_LARGEST = 1 << 20


def signer(path: str, passphrase: str | None, ask: Ask) -> SigstoreSigner:
    """The signer that a file describes. passphrase: given otherwise, or None.

    Raises InvalidArgument, NotFound, NotSupported for what needs a browser.
    """
    found = _read(path)
    fulcio = found.get("fulcio")
    key_file = _text(found, "privateKeyFile", path)
    if bool(key_file) == bool(fulcio):
        raise InvalidArgument(f"{path}: exactly one of privateKeyFile and fulcio is needed")
    rekor = _text(found, "rekorURL", path)
    bundled = found.get("bundle", False)
    if not isinstance(bundled, bool):
        raise InvalidArgument(f"{path}: bundle: expected true or false")
    if fulcio:
        if not rekor:
            raise InvalidArgument(f"{path}: fulcio needs a rekorURL")
        url, token = _fulcio(fulcio, path)
        return SigstoreSigner(None, rekor, url, token, bundled)
    file = _text(found, "privateKeyPassphraseFile", path)
    if file:
        from ..signing import first_line

        passphrase = first_line(file)
    return SigstoreSigner(private_key(key_file, passphrase, ask), rekor, bundled=bundled)


def private_key(path: str, passphrase: str | None, ask: Ask) -> keys.PrivateKey:
    """The key in a file. Raises NotFound, InvalidArgument."""
    with failing(path, "reading the private key"), open(path, "rb") as file:
        data = file.read(_LARGEST)
    secret = ask(f"Passphrase for key {path}: ") if passphrase is None else passphrase
    return keys.private(data, secret.encode(errors="surrogateescape"), path)


def _read(path: str) -> dict[str, Any]:
    import yaml

    with failing(path, "reading"), open(path, "rb") as file:
        data = file.read(_LARGEST)
    try:
        found = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"{path}: not YAML: {error}") from None
    if not isinstance(found, dict):
        raise InvalidArgument(f"{path}: expected {', '.join(_FIELDS)}")
    _check(found, _FIELDS, path)
    return found


def _check(found: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    unknown = [str(name) for name in found if name not in known]
    if unknown:
        raise InvalidArgument(f"{where}: unknown field {min(unknown)}")


def _text(found: dict[str, Any], name: str, where: str) -> str:
    value = found.get(name) or ""
    if not isinstance(value, str):
        raise InvalidArgument(f"{where}: {name}: expected text")
    return value


def _fulcio(found: Any, path: str) -> tuple[str, str]:
    """URL and token."""
    where = f"{path}: fulcio"
    if not isinstance(found, dict):
        raise InvalidArgument(f"{where}: expected {', '.join(_FULCIO)}")
    _check(found, _FULCIO, where)
    mode, url = _text(found, "oidcMode", where), _text(found, "fulcioURL", where)
    if mode in ("interactive", "deviceGrant"):
        raise NotSupported(
            f"{where}: oidcMode {mode} needs a browser, which is not started here",
            remedy="Use oidcMode staticToken with an oidcIDToken.",
        )
    token = _text(found, "oidcIDToken", where)
    if mode != "staticToken" or not url or not token:
        raise InvalidArgument(f"{where}: oidcMode, fulcioURL and oidcIDToken are needed")
    return url, token
