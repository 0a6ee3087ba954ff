"""What went wrong with a registry, in words that name the host, the request and the reason."""

from __future__ import annotations

import json
import socket
import sys

from ...errors import NotFound, RegistryError, TimedOut, Unauthorized
from .response import HTTPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from ...errors import RundletError
    from .response import Response

_MOST_OF_A_MESSAGE = 1 << 16
_LOGIN_STATUS = (401, 403)
_REASONS = {
    401: "unauthorized: authentication required",
    403: "denied: requested access to the resource is denied",
    404: "not found",
    429: "toomanyrequests: the registry limits how often it may be asked",
}


class BrokeOff(RegistryError):
    """A transfer that broke in the middle: doing all of it again may help."""

    transient = True


class MissingInRegistry(NotFound):
    """A 404. codes: of the registry's error document ("MANIFEST_UNKNOWN", ...)."""

    def __init__(self, message: str, codes: tuple[str, ...]) -> None:
        super().__init__(message)
        self.codes = codes


def answered(host: str, request: str, response: Response) -> RundletError:
    """The error for a response that says no; reads and releases it."""
    try:
        data = response.read_all(_MOST_OF_A_MESSAGE)
    except HTTPError:
        data = b""
    errors = _errors(data)
    status = response.status
    text = "; ".join(_words(code, message) for code, message in errors)
    message = f"{host}: {request}: {text or _REASONS.get(status) or f'status {status}'}"
    if status == 404:
        return MissingInRegistry(message, tuple(code for code, _ in errors))
    if status in _LOGIN_STATUS:
        return Unauthorized(message, remedy=f"Log in to {host}, or give --creds.")
    if status == 429:
        return RegistryError(message, remedy="Wait a while, or log in for a higher limit.")
    return RegistryError(message)


def _errors(data: bytes) -> list[tuple[str, str]]:
    """(code, message) pairs of an error document (distribution-spec, "Error Codes")."""
    try:
        return [
            (str(item.get("code") or ""), str(item.get("message") or ""))
            for item in json.loads(data)["errors"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _words(code: str, message: str) -> str:
    """As podman prints them: "manifest unknown: manifest unknown"."""
    return ": ".join(part for part in (code.lower().replace("_", " "), message) if part)[:500]


def unreachable(what: str, error: BaseException) -> RundletError:
    """The error for no answer at all."""
    if is_timeout(error):
        return TimedOut(f"{what}: {reason(error)}")
    remedy = ""
    if _untrusted(error):
        remedy = (
            "Put the registry's CA certificate in /etc/containers/certs.d/HOST:PORT/ca.crt, or use"
            " --tls-verify=false."
        )
    elif is_not_tls(error):
        remedy = "If the registry speaks plain HTTP, use --tls-verify=false."
    return RegistryError(f"{what}: {reason(error)}", remedy=remedy)


def is_timeout(error: BaseException | None) -> bool:
    """Whether the other side said nothing for too long."""
    return error is not None and isinstance(_cause(error), TimeoutError)


def is_not_tls(error: BaseException) -> bool:
    """Whether the other side does not speak TLS at all (rather than having a bad certificate)."""
    tls = _tls_error(error)
    return (
        tls is not None
        and not _untrusted(error)
        and tls.reason
        in (
            "WRONG_VERSION_NUMBER",
            "RECORD_LAYER_FAILURE",
            "HTTP_REQUEST",
            "UNEXPECTED_EOF_WHILE_READING",
        )
    )


def is_transient(error: BaseException) -> bool:
    """Whether trying again may help: broken connections do, refused ones and bad TLS do not."""
    cause = _cause(error)
    if isinstance(cause, (socket.gaierror, ConnectionRefusedError)) or _untrusted(error):
        return False
    return not is_not_tls(error)


def reason(error: BaseException) -> str:
    """The reason in plain words, without addresses of Python objects."""
    cause = _cause(error)
    if _untrusted(error):
        return f"certificate is not trusted: {getattr(cause, 'verify_message', '')}"
    if isinstance(cause, socket.gaierror):
        return "no such host"
    if isinstance(cause, TimeoutError):
        return "timed out"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror[:1].lower() + cause.strerror[1:]
    return str(cause) or type(cause).__name__


def _cause(error: BaseException) -> BaseException:
    """What the operating system or TLS said, where there is such a thing."""
    found = getattr(error, "cause", None)
    return found if isinstance(found, BaseException) else error


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    module = sys.modules.get("ssl")  # without it there can be none
    cause = _cause(error)
    return cause if module is not None and isinstance(cause, module.SSLError) else None


def _untrusted(error: BaseException) -> bool:
    tls = _tls_error(error)
    return tls is not None and hasattr(tls, "verify_message")
