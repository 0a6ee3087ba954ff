"""The one tree of typed errors.

Every error that a user can cause or meet is one of these. Each names the thing,
says the remedy where there is one, and knows its podman exit code, its CRI
(gRPC) status name and its HTTP status, so that no tool maps errors by hand.

Exit codes are podman's (podman-run(1), "Exit Status"): 125 the engine failed,
126 the command cannot be invoked, 127 it cannot be found, 1 or 2 where single
verbs say so.
"""

from __future__ import annotations


class RundletError(Exception):
    """Base of all errors with a message for people. Never raised itself."""

    exit_code: int = 125
    cri_status: str = "UNKNOWN"
    http_status: int = 500

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class UsageError(RundletError):
    """The words of a command are wrong: unknown flag, missing argument."""

    cri_status = "INVALID_ARGUMENT"
    http_status = 400


class InvalidArgument(RundletError):
    """A value is malformed or contradicts another one."""

    cri_status = "INVALID_ARGUMENT"
    http_status = 400


class NotInImage(InvalidArgument):
    """A user, group or directory that the container's root does not have."""


class SettingsError(InvalidArgument):
    """A configuration file or variable is wrong; names the file and the key."""


class NotFound(RundletError):
    """Something named does not exist. Use the subclass of its kind."""

    cri_status = "NOT_FOUND"
    http_status = 404


class NoSuchContainer(NotFound):
    """podman: `no container with name or ID "x" found: no such container`."""

    def __init__(self, name: str) -> None:
        super().__init__(f'no container with name or ID "{name}" found: no such container')


class NoSuchImage(NotFound):
    """podman: `x: image not known`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: image not known")


class NoSuchVolume(NotFound):
    """podman: `no volume with name "x" found: no such volume`."""

    def __init__(self, name: str) -> None:
        super().__init__(f'no volume with name "{name}" found: no such volume')


class NoSuchNetwork(NotFound):
    """podman: `unable to find network with name or ID x: network not found`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unable to find network with name or ID {name}: network not found")


class NoSuchPod(NotFound):
    """podman: `no pod with name or ID x found: no such pod`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no pod with name or ID {name} found: no such pod")


class NoSuchSecret(NotFound):
    """podman: `no secret with name or id "x": no such secret`."""

    def __init__(self, name: str) -> None:
        super().__init__(f'no secret with name or id "{name}": no such secret')


class NoSuchArtifact(NotFound):
    """podman: `x: artifact does not exist`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: artifact does not exist")


class AmbiguousName(InvalidArgument):
    """A shortened ID fits several objects."""


class AlreadyExists(RundletError):
    """The name is taken; the message names who has it."""

    cri_status = "ALREADY_EXISTS"
    http_status = 409


class InUse(RundletError):
    """Something else still needs it; the message names what. podman rm/rmi exit with 2."""

    exit_code = 2
    cri_status = "FAILED_PRECONDITION"
    http_status = 409


class WrongState(RundletError):
    """The object is not in a state that allows this (exec in a stopped container)."""

    cri_status = "FAILED_PRECONDITION"
    http_status = 409


class Busy(RundletError):
    """A lock was not free before the deadline; the message names its holder."""

    cri_status = "UNAVAILABLE"
    http_status = 503


class TimedOut(RundletError):
    """Something outside did not answer in time."""

    cri_status = "DEADLINE_EXCEEDED"
    http_status = 504


class DeniedByPolicy(RundletError):
    """policy.json or an admission hook said no; the message names which and why."""

    cri_status = "PERMISSION_DENIED"
    http_status = 403


class PluginError(RundletError):
    """A plugin is missing, broken or returned nonsense; names it and its distribution."""

    cri_status = "FAILED_PRECONDITION"


class DriverUnavailable(PluginError):
    """A driver exists, but its probe says that it does not work on this machine."""


class SignatureDenied(DeniedByPolicy):
    """policy.json rejects an image, or a signature that it requires is missing or not accepted.

    kubelet reads the message of a pull's error only where its status is UNKNOWN.
    """

    cri_status = "UNKNOWN"


class NotSupported(RundletError):
    """A driver or this machine cannot do it; the message says which part and why."""

    cri_status = "UNIMPLEMENTED"
    http_status = 501


class Corrupt(RundletError):
    """Stored or received bytes are not what their digest, size or format promises."""

    cri_status = "DATA_LOSS"


class DigestMismatch(Corrupt):
    """Bytes hash to another digest than was asked for."""

    def __init__(self, what: str, expected: str, actual: str) -> None:
        super().__init__(f"{what}: digest mismatch: expected {expected}, got {actual}")
        self.expected = expected
        self.actual = actual


class UnsafeArchive(Corrupt):
    """An archive member would reach outside its root, or is malformed."""


class NoSpace(RundletError):
    """The disk or a quota is full; what was there before is untouched."""

    cri_status = "RESOURCE_EXHAUSTED"
    http_status = 507


class StoreError(RundletError):
    """The state or graph root cannot be used (schema newer than this release, read-only)."""

    cri_status = "INTERNAL"


class RegistryError(RundletError):
    """A registry answered with an error or not at all; names host and request."""

    cri_status = "UNAVAILABLE"
    http_status = 502


class Unauthorized(RegistryError):
    """A registry refused the credentials, or wants some."""

    cri_status = "UNAUTHENTICATED"
    http_status = 401


class NetworkError(RundletError):
    """A network could not be set up or torn down; names network and plugin."""

    cri_status = "INTERNAL"


class RuntimeFailed(RundletError):
    """The OCI runtime or the monitor failed; carries the runtime's own words."""

    cri_status = "INTERNAL"


class CommandNotExecutable(RuntimeFailed):
    """The container's command cannot be invoked (podman exit code 126)."""

    exit_code = 126


class CommandNotFound(RuntimeFailed):
    """The container's command does not exist (podman exit code 127)."""

    exit_code = 127
