"""What the node's configuration says of every pod (crio.conf(5))."""

from __future__ import annotations

import os
import random

from rundlet.core import Engine
from rundlet.core.errors import InvalidArgument
from rundlet.core.format.units import parse_size
from rundlet.core.spec.host import here
from rundlet.core.spec.sysctls import kind_of

from ..config.setup import config_of
from ..containers import policy, security
from ..proto import api_pb2 as cri
from . import options
from .record import Pod

_CATEGORIES = 1024  # c0 to c1023, of the targeted policy
SHM_SIZE = 64 * 1024 * 1024  # bytes, as kubelet's users know it


def shm_size(engine: Engine, pod: Pod) -> int:
    """Bytes of /dev/shm; an annotation may ask for more where the handler allows it."""
    annotations = dict(pod.sandbox.annotations)
    kept = policy.kept(engine, annotations, annotations, policy.table(engine, pod))
    text = kept.get(policy.SHM_SIZE, "")
    size = parse_size(text.removesuffix("i")) if text else SHM_SIZE
    if size <= 0:
        raise InvalidArgument(f"annotation {policy.SHM_SIZE}: {text!r} is no size")
    return size


def sysctls(engine: Engine, config: cri.PodSandboxConfig) -> dict[str, str]:
    """default_sysctls, as far as the pod has the namespaces for itself.

    Raises InvalidArgument for one that is no name=value, or is of the whole node.
    """
    host = options.host_network(config)
    own = {"network": not host, "uts": not host, "ipc": not options.host_ipc(config)}
    found = {}
    for text in config_of(engine).texts("crio.runtime.default_sysctls"):
        name, equals, value = (part.strip() for part in text.partition("="))
        kind = kind_of(name)
        if not equals or not kind:
            raise InvalidArgument(f"default_sysctls: {text!r} is not name=value of a namespace")
        if own[kind]:
            found[name] = value
    return found


def level(engine: Engine, config: cri.PodSandboxConfig) -> str:
    """A SELinux level for a pod that says no label: two categories by chance, as podman and
    CRI-O have them. "" for none: pods that see the node's processes could not work with one.
    """
    node = config_of(engine)
    asked = security.selinux(config.linux.security_context.selinux_options)
    shared = options.host_ipc(config) or options.namespaces(config).pid == cri.NODE
    if options.host_network(config):
        shared = shared or node.flag("crio.runtime.hostnetwork_disable_selinux")
    if asked or shared or not node.flag("crio.runtime.selinux") or not here().selinux:
        return ""
    first, second = sorted(random.sample(range(_CATEGORIES), 2))
    return f"s0:c{first},c{second}"


def place(engine: Engine, process: int) -> None:
    """Put the process that holds a pid namespace on the processors that are for such."""
    text = config_of(engine).text("crio.runtime.infra_ctr_cpuset")
    if text:
        os.sched_setaffinity(process, processors(text))


def processors(text: str) -> set[int]:
    """ "0-2,7" (cpuset(7), list format). Raises InvalidArgument."""
    found: set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            found |= set(range(int(first), int(last or first) + 1))
    except ValueError:
        raise InvalidArgument(f"{text!r} is no list of processors", remedy="0-2,7") from None
    return found
