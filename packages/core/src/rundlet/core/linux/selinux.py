"""SELinux contexts: those of containers by the node's policy, and of files (selinux(8)).

A context is "user:role:type:level"; a level may have colons of its own ("s0:c1,c2").
"""

from __future__ import annotations

import errno
import os

from ..errors import InvalidArgument, NotSupported
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

XATTR = "security.selinux"
_ENFORCE = "/sys/fs/selinux/enforce"
_CONFIG = "/etc/selinux/config"
_POLICY = "/etc/selinux/{policy}/contexts/lxc_contexts"
_PROCESS = "system_u:system_r:container_t:s0"  # of container-selinux
_FILE = "system_u:object_r:container_file_t:s0"
_OF_THE_NODE = frozenset(
    ("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/proc", "/root", "/run",
     "/sbin", "/sys", "/tmp", "/usr", "/var")
)  # fmt: skip
"""With other labels than these have, the node itself stops working."""


class Context(Value):
    """One context. `role` is object_r for files."""

    user: str
    role: str
    type: str
    level: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.user, self.role, self.type, self.level) if part)


def enabled() -> bool:
    """Whether the kernel has SELinux, and it is not switched off."""
    return os.path.exists(_ENFORCE)


def parse(text: str) -> Context:
    """Read "user:role:type[:level]". Raises InvalidArgument."""
    parts = text.split(":", 3)
    if len(parts) < 3:
        raise InvalidArgument(f"{text!r} is no SELinux context", remedy="user:role:type:level")
    return Context(*parts)


def defaults(config: str = _CONFIG, policy: str = _POLICY) -> tuple[Context, Context]:
    """The contexts of containers' processes and files by this node's policy (lxc_contexts(5))."""
    name = _assignments(config).get("SELINUXTYPE", "targeted")
    found = _assignments(policy.format(policy=name))
    return parse(found.get("process", _PROCESS)), parse(found.get("file", _FILE))


def _assignments(path: str) -> dict[str, str]:
    """Lines KEY = "VALUE"; {} for a file that is not there."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.partition("=") for line in file if not line.lstrip().startswith("#")]
    except OSError:
        return {}
    return {key.strip(): value.strip().strip('"') for key, equals, value in lines if equals}


def relabel(path: str, label: str) -> None:
    """Give a file, or a directory with all that is below it, a label. Links are not followed.

    Files that have it already are left alone, and so is what is on a file system that keeps no
    labels (ENOTSUP), as CRI-O, podman and buildah do: the policy then has one for all of it.
    Raises InvalidArgument for a directory that the node lives by, NotSupported where the file
    system is read-only or does not know the label.
    """
    path = os.path.realpath(path)
    if path in _OF_THE_NODE:
        raise InvalidArgument(
            f"SELinux relabelling of {path} is not allowed", remedy="mount a directory below it"
        )
    wanted = os.fsencode(label)
    for one in _tree(path):
        try:
            if _label(one) != wanted:
                os.setxattr(one, XATTR, wanted + b"\0", follow_symlinks=False)
        except FileNotFoundError:
            continue  # it was removed just now
        except OSError as error:
            if error.errno == errno.ENOTSUP:
                if one == path:
                    return  # a large volume (NFS) is not read for nothing
                continue
            if error.errno not in (errno.EROFS, errno.EINVAL):
                raise
            raise NotSupported(f"{one} cannot have the label {label}: {error.strerror}") from error


def _label(path: str) -> bytes:
    """Its label; empty for none."""
    try:
        return os.getxattr(path, XATTR, follow_symlinks=False).rstrip(b"\0")
    except OSError as error:
        if error.errno == errno.ENODATA:
            return b""
        raise


def _tree(path: str) -> Iterator[str]:
    """A path and all below it."""
    yield path
    for where, directories, files in os.walk(path):
        yield from (os.path.join(where, name) for name in (*directories, *files))
