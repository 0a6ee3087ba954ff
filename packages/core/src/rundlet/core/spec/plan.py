"""What a spec is made of: everything decided and resolved before, in one value."""

from __future__ import annotations

from ..cgroups.layout import CgroupLayout
from ..containers.request import ContainerRequest, Mount
from ..contracts.runtime import RuntimeConfig
from ..settings.snapshot import Settings
from ..value import EMPTY, Value
from .host import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..contracts.runtime import OCISpec


class SpecPlan(Value):
    """Input of `generate`.

    request: what the user asks. image: the `config` object of the OCI image config (Env,
        Entrypoint, Cmd, User, WorkingDir, Labels, StopSignal), {} for `--rootfs`.
    container: its id. name: its name. rootfs: absolute path of the mounted root.
    settings, layout, host: of this machine.
    hostname: of its own UTS namespace, or the host's name for HOSTNAME in the environment.
    network_namespace: path to join; "" lets the runtime make a new one; None is the host's.
    files: destination to host path of bind mounts the engine makes (/etc/resolv.conf,
        /etc/hosts, /etc/hostname, /run/.containerenv, /etc/localtime, ...).
    mounts: the user's and the image's mounts with absolute host sources: volumes, images
        and globs are resolved (their `kind` stays; it decides the default options).
    shm: host directory (a tmpfs) for /dev/shm; "" makes a private tmpfs of shm_size there.
    cgroup: `linux.cgroupsPath`; "" is computed from the request's parent.
    namespaces: kind ("pid", "ipc", "uts", "cgroup", "user") to the path of another container's
        or a pod's namespace, for the modes container:ID and pod.
    init_path: the init program on the host, for `--init`.
    systemd: whether systemd (or another init that wants its mounts) will run inside.
    console: (rows, columns) of the caller's terminal, (0, 0) not known.
    created: when, RFC 3339 (an annotation). annotations: more of them, from the engine.
    runtime_config: how the OCI runtime is configured: which devices and annotations it allows.
    """

    request: ContainerRequest
    container: str
    rootfs: str
    settings: Settings = Settings()
    layout: CgroupLayout = CgroupLayout("v1")
    host: Host = Host()
    name: str = ""
    image: Mapping[str, Any] = EMPTY
    hostname: str = ""
    network_namespace: str | None = ""
    files: Mapping[str, str] = EMPTY
    mounts: tuple[Mount, ...] = ()
    shm: str = ""
    cgroup: str = ""
    namespaces: Mapping[str, str] = EMPTY
    init_path: str = ""
    systemd: bool = False
    console: tuple[int, int] = (0, 0)
    created: str = ""
    annotations: Mapping[str, str] = EMPTY
    runtime_config: RuntimeConfig = RuntimeConfig(root="")


class Generated(Value):
    """A spec, and what was lowered or dropped because this machine cannot do it."""

    spec: OCISpec
    warnings: tuple[str, ...] = ()
