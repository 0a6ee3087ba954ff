"""What a user asks of TLS: containers-tls-details.yaml(5), which `--tls-details` names.

The least version, and the only cipher suites and groups that may be used, all by IANA's names.
Go's TLS cannot choose among the suites of TLS 1.3, so podman and its kin do not; here they are
chosen.
"""

from __future__ import annotations

import ctypes
import ssl
from typing import TYPE_CHECKING, Any

import yaml

from ...errors import InvalidArgument, NotFound, NotSupported
from ...value import Value

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGEST = 1 << 20
_KEYS = ("minVersion", "cipherSuites", "namedGroups")
_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
# Those of TLS 1.3 name no key exchange (RFC 8446, B.4); OpenSSL calls them the same.
_EXCHANGE = "_WITH_"
# IANA's names of groups that OpenSSL 1.1 knows by other ones.
_GROUPS = {
    "secp256r1": "P-256",
    "secp384r1": "P-384",
    "secp521r1": "P-521",
    "x25519": "X25519",
    "x448": "X448",
}
_SET_GROUPS_LIST = 92  # SSL_CTRL_SET_GROUPS_LIST of openssl/ssl.h


class TlsDetails(Value):
    """What a file says; None where it says nothing. path: of the file, for errors."""

    path: str
    minimum: str = ""
    ciphers: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None

    def apply(self, context: ssl.SSLContext) -> None:
        """Let a context use nothing else.

        Raises InvalidArgument for names that OpenSSL does not know, NotSupported where this
        Python gives no way to choose.
        """
        if self.minimum:
            context.minimum_version = _VERSIONS[self.minimum]
        if self.ciphers is not None:
            self._choose_ciphers(context, self.ciphers)
        if self.groups is not None:
            names = ":".join(_GROUPS.get(name, name) for name in self.groups)
            if not names or not _set_groups(context, names):
                raise InvalidArgument(
                    f"{self.path}: namedGroups: not all of these are known to"
                    f" {ssl.OPENSSL_VERSION}: {', '.join(self.groups) or 'none'}"
                )

    def _choose_ciphers(self, context: ssl.SSLContext, names: tuple[str, ...]) -> None:
        """A version that is left without a cipher suite is not spoken."""
        new = [name for name in names if _EXCHANGE not in name]
        old = [openssl_name(name) for name in names if _EXCHANGE in name]
        if not old:
            context.minimum_version = ssl.TLSVersion.TLSv1_3
        if not new:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        unknown = InvalidArgument(
            f"{self.path}: cipherSuites: not all of these are known to {ssl.OPENSSL_VERSION}:"
            f" {', '.join(names) or 'none'}"
        )
        if not names or (new and not _set_ciphersuites(context, ":".join(new))):
            raise unknown
        try:
            if old:
                context.set_ciphers(":".join(old))
        except ssl.SSLError:
            raise unknown from None
        if not set(old) <= {cipher["name"] for cipher in context.get_ciphers()}:
            raise unknown


def read(path: str) -> TlsDetails:
    """The details of a file. Raises NotFound, and InvalidArgument naming file and key."""
    try:
        with open(path, "rb") as file:
            # All scalars as text: a version 1.2 is no number.
            document = yaml.load(file.read(_LARGEST), Loader=yaml.BaseLoader) or {}
    except OSError as error:
        raise NotFound(f"cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidArgument(f"{path}: not YAML: {error}") from None
    if not isinstance(document, dict) or set(document) - set(_KEYS):
        raise InvalidArgument(f"{path}: expected {', '.join(_KEYS)} and nothing else")
    minimum = document.get("minVersion") or ""
    if minimum and (not isinstance(minimum, str) or minimum not in _VERSIONS):
        raise InvalidArgument(
            f"{path}: minVersion: {minimum!r} is no version of TLS",
            remedy=f"Use one of {', '.join(_VERSIONS)}.",
        )
    ciphers, groups = (_names(path, key, document.get(key)) for key in _KEYS[1:])
    return TlsDetails(path, minimum, ciphers, groups)


def _names(path: str, key: str, value: Any) -> tuple[str, ...] | None:
    if value in (None, ""):
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidArgument(f"{path}: {key}: expected a list of names")
    return tuple(value)


def openssl_name(name: str) -> str:
    """TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is ECDHE-RSA-AES128-GCM-SHA256."""
    if not name.startswith("TLS_"):
        return name
    exchange, _, cipher = name.removeprefix("TLS_").partition(_EXCHANGE)
    for bits in ("128", "256"):
        cipher = cipher.replace(f"AES_{bits}", f"AES{bits}")
    cipher = cipher.replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305").replace("_CBC", "")
    words = [exchange, cipher] if exchange != "RSA" else [cipher]
    return "-".join(word.replace("_", "-") for word in words)


# --- what Python's ssl has from 3.15 on, and only OpenSSL itself before


def _set_ciphersuites(context: ssl.SSLContext, names: str) -> bool:
    """Choose those of TLS 1.3; whether OpenSSL knows them."""
    own = getattr(context, "set_ciphersuites", None)
    if own is not None:
        return _accepted(own, names)
    library, pointer = _openssl(context)
    return bool(library.SSL_CTX_set_ciphersuites(pointer, names.encode()))


def _set_groups(context: ssl.SSLContext, names: str) -> bool:
    """Choose the groups of the key exchange; whether OpenSSL knows them."""
    own = getattr(context, "set_groups", None)
    if own is not None:
        return _accepted(own, names)
    library, pointer = _openssl(context)
    text = ctypes.c_char_p(names.encode())
    return bool(library.SSL_CTX_ctrl(pointer, _SET_GROUPS_LIST, ctypes.c_long(0), text))


def _accepted(choose: Callable[[str], object], names: str) -> bool:
    try:
        choose(names)
    except ssl.SSLError:
        return False
    return True


def _openssl(context: ssl.SSLContext) -> tuple[ctypes.CDLL, ctypes.c_void_p]:
    """The library that Python's ssl uses, and its own object of a context.

    That is the first field of Python's object. What OpenSSL says of it must be what Python says,
    else it is not where it is expected. Raises NotSupported.
    """
    import _ssl

    try:
        library = ctypes.CDLL(_ssl.__file__)
        options = library.SSL_CTX_get_options
    except (AttributeError, OSError):
        raise NotSupported(
            "--tls-details: this Python was built without a shared OpenSSL, and cannot choose"
            " cipher suites of TLS 1.3 nor groups",
            remedy="Use the Python of the distribution, or Python 3.15.",
        ) from None
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
    options.restype = ctypes.c_uint64
    if options(pointer) != int(context.options):
        raise NotSupported(
            "--tls-details: cannot choose cipher suites of TLS 1.3 nor groups in this Python",
            remedy="Use Python 3.15.",
        )
    return library, pointer
