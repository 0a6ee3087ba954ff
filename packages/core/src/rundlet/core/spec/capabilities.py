"""Linux capabilities of the container's process: defaults, --cap-add, --cap-drop, --privileged."""

from __future__ import annotations

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..containers.request import ContainerRequest

# All of capabilities(7), in the order of their numbers in linux/capability.h.
_ALL = """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
ALL = tuple(f"CAP_{name}" for name in _ALL.split())

# podman's default set, containers.conf(5) default_capabilities.
_DEFAULT = """
CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT
"""
DEFAULT = tuple(f"CAP_{name}" for name in _DEFAULT.split())


def normalize(names: Iterable[str]) -> tuple[str, ...]:
    """Names as the kernel has them: upper case, with CAP_. "ALL" stays. Raises InvalidArgument."""
    result = []
    for text in names:
        name = text.strip().upper()
        if name != "ALL" and not name.startswith("CAP_"):
            name = "CAP_" + name
        if name != "ALL" and name not in ALL:
            raise InvalidArgument(
                f"unknown capability {text!r}", remedy="capabilities(7) lists them; ALL is all"
            )
        result.append(name)
    return tuple(dict.fromkeys(result))


def of_mask(mask: int) -> tuple[str, ...]:
    """The names in a set as /proc/PID/status writes it (a bit for each number)."""
    return tuple(name for number, name in enumerate(ALL) if mask >> number & 1)


def bounding(
    default: Sequence[str], add: Sequence[str], drop: Sequence[str], available: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The capabilities a container may have at all, and those asked for that we lack.

    `add` ALL is all of `available`; `drop` ALL is nothing but what `add` names; a name
    in both is an error, as in podman. What this process does not have itself (`available`)
    cannot be given.
    """
    adding, dropping = normalize(add), normalize(drop)
    if "ALL" in adding and "ALL" in dropping:
        raise InvalidArgument("adding all caps and removing all caps not allowed")
    both = [name for name in adding if name in dropping and name != "ALL"]
    if both:
        raise InvalidArgument(f"capability {both[0]} cannot be dropped and added")
    if "ALL" in adding:
        wanted = [name for name in available if name not in dropping]
    elif "ALL" in dropping:
        wanted = list(adding)
    else:
        base = [name for name in normalize(default) if name not in dropping]
        wanted = [*base, *(name for name in adding if name not in base)]
    granted = tuple(sorted(name for name in wanted if name in available))
    return granted, tuple(name for name in adding if name != "ALL" and name not in available)


def check(request: ContainerRequest) -> None:
    """Whether a container may ask for what it asks for. Raises InvalidArgument.

    A privileged one has all there are, whatever it asks for.
    """
    if not request.privileged:
        bounding((), request.cap_add, request.cap_drop, ALL)
        normalize(request.cap_ambient or ())


def process_sets(
    granted: Sequence[str],
    add: Sequence[str],
    *,
    root: bool,
    privileged: bool,
    ambient: Sequence[str] | None = None,
) -> dict[str, list[str]]:
    """The `process.capabilities` object.

    Root has all of `granted`. Another user has in effect only what `--cap-add` named
    (podman: so that a non-root process is not stronger than an ordinary user), as
    ambient capabilities, which survive execve(2). With `ambient`, those are what it says and no
    others, for root too: what is added is only there to be gained (Kubernetes).
    """
    every = list(granted)
    if ambient is not None:
        named = normalize(ambient)
        kept = [name for name in every if name in named or "ALL" in named]
        sets = {"bounding": every, "effective": every, "permitted": every}
        return sets | ({"inheritable": kept, "ambient": kept} if kept else {})
    if root:
        return {"bounding": every, "effective": every, "permitted": every}
    added = normalize(add)
    own = every if "ALL" in added and not privileged else [n for n in every if n in added]
    sets = {"bounding": every, "effective": own, "permitted": own}
    if own:
        sets |= {"inheritable": own, "ambient": own}
    return sets
