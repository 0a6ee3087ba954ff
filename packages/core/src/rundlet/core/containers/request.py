"""What a user asks for when creating a container: the input of the spec and of the state.

Filled by the command line, the Python API and the CRI server alike; stored as JSON with
the container, so that it can be created again (`start` after a reboot). None and ()
mean "not said": image and settings decide.
"""

from __future__ import annotations

from ..contracts.network import NetworkRequest, PortMapping
from ..contracts.storage import IdMap
from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Mount(Value):
    """One mount into the container.

    kind: "bind" | "volume" | "tmpfs" | "ramfs" | "image" | "artifact" | "devpts" |
        "glob".
    source: host path, volume name ("" for an anonymous one) or image; destination: inside.
    options: podman's `-v` and `--mount` options as words ("ro", "rshared", "U", "size=1m").
    """

    kind: str
    destination: str
    source: str = ""
    options: tuple[str, ...] = ()


class Device(Value):
    """`--device host[:container[:rwm]]`. uid, gid: whose it is inside; None: as on the host."""

    source: str
    destination: str = ""
    permissions: str = "rwm"
    uid: int | None = None
    gid: int | None = None


class Resources(Value):
    """Limits. Sizes in bytes, -1 unlimited; cpus as podman's --cpus; None: no limit asked."""

    memory: int | None = None
    memory_reservation: int | None = None
    memory_swap: int | None = None
    memory_swappiness: int | None = None
    oom_kill_disable: bool = False
    cpus: float | None = None
    cpu_period: int | None = None
    cpu_quota: int | None = None
    cpu_shares: int | None = None
    cpu_rt_period: int | None = None
    cpu_rt_runtime: int | None = None
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    pids_limit: int | None = None
    blkio_weight: int | None = None
    blkio_weight_device: tuple[str, ...] = ()
    device_read_bps: tuple[str, ...] = ()
    device_write_bps: tuple[str, ...] = ()
    device_read_iops: tuple[str, ...] = ()
    device_write_iops: tuple[str, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    hugepages: Mapping[str, int] = EMPTY
    unified: Mapping[str, str] = EMPTY


SANDBOX_ITSELF = "itself"
"""ContainerRequest.sandbox of a container that is the one of its pod (contracts/runtime.py)."""


class ContainerRequest(Value):
    """Everything about a container to be. Names follow podman's flags."""

    # what to run
    image: str = ""  # any name or id, or "" with `rootfs`
    rootfs: str = ""
    rootfs_overlay: bool = False  # it is not written to (containers/root_directory.py)
    rootfs_idmap: str = ""  # "idmap[=uids=..;gids=..]": shown with the container's owners
    command: tuple[str, ...] | None = None  # after IMAGE; None: the image's CMD
    entrypoint: tuple[str, ...] | None = None  # None: the image's
    env: Mapping[str, str] = EMPTY
    unset_env: tuple[str, ...] = ()
    env_merge: tuple[str, ...] = ()  # "K=V", where V may name variables of the image
    workdir: str = ""
    make_workdir: bool = False  # where it is missing; the image's own always is
    user: str = ""  # "user[:group]", names or numbers
    group_add: tuple[str, ...] = ()
    passwd: bool = True  # add lines for users that the image does not know
    passwd_entry: str = ""  # such a line, with $USERNAME, $UID, $GID, $NAME, $HOME
    group_entry: str = ""  # with $GROUPNAME, $GID, $USERLIST
    host_users: tuple[str, ...] = ()  # users of the host to add
    groups: str = ""  # "": podman's rule | "merge": also with a group | "strict": only group_add
    umask: str = ""
    timezone: str = ""
    terminal: bool = False
    stdin: bool = False
    stdin_stays: bool = False  # open when a client that was attached leaves
    init: bool = False
    init_path: str = ""  # the init program on the host; "": the settings'
    name: str = ""  # "": generated
    hostname: str = ""
    pod: str = ""
    sandbox: str = ""  # id of the container that holds the pod's machine, or SANDBOX_ITSELF
    requires: tuple[str, ...] = ()  # containers to be started before, by name or id
    labels: Mapping[str, str] = EMPTY
    annotations: Mapping[str, str] = EMPTY

    # how
    runtime: str = ""
    restart: str = ""  # no | on-failure[:n] | always | unless-stopped
    auto_remove: bool = False
    auto_remove_image: bool = False  # after it, unless others use it; only with auto_remove
    transient: bool = False  # removed by the first command after a boot
    stop_signal: str = ""
    stop_timeout: int | None = None
    timeout: int = 0
    log_driver: str = ""
    log_options: Mapping[str, str] = EMPTY
    log_labels: tuple[str, ...] = ()  # "FIELD=VALUE" of `--log-opt label`, which may come again
    exit_command: bool = True

    # userns: also "auto[:OPTIONS]" | "keep-id" (containers/userns.py)
    # namespaces: "private" | "host" | "container:ID" | "pod" | "ns:PATH" | ""
    pid: str = ""
    ipc: str = ""
    uts: str = ""
    cgroup: str = ""
    userns: str = ""
    uid_map: tuple[IdMap, ...] = ()
    gid_map: tuple[IdMap, ...] = ()
    sub_uid_name: str = ""  # whose ranges of /etc/subuid are the map
    sub_gid_name: str = ""

    # network: "" (settings) | names of networks | "none" | "host" | "container:ID" | "ns:PATH"
    # | network.LEFT_ALL
    network: str = ""
    networks: tuple[NetworkRequest, ...] = ()
    ports: tuple[PortMapping, ...] = ()
    publish_all: bool = False
    expose: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    dns_exact: bool = False  # only what these three say, nothing of the host's or the settings'
    add_hosts: tuple[str, ...] = ()
    no_hosts: bool = False
    hosts_file: str = ""  # what /etc/hosts is based on: a path, "none", "image"; "": the host's
    no_hostname: bool = False
    chroot_dirs: tuple[str, ...] = ()  # where /etc/hosts and its kin are needed too

    # storage
    mounts: tuple[Mount, ...] = ()
    volumes_from: tuple[str, ...] = ()
    image_volumes: str = "anonymous"  # anonymous | tmpfs | ignore
    read_only: bool = False
    read_only_tmpfs: bool = True
    shm_size: int | None = None
    shm_size_systemd: int | None = None  # of each tmpfs that systemd mode adds
    devices: tuple[Device, ...] = ()
    storage_options: tuple[str, ...] = ()
    # name, type ("mount" | "env"), target, uid, gid, mode (octal), as podman-run(1) --secret
    secrets: tuple[Mapping[str, str], ...] = ()

    # security
    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    cap_ambient: tuple[str, ...] | None = None  # None: podman's rule for other users than root
    security_options: tuple[
        str, ...
    ] = ()  # seccomp=.., no-new-privileges, apparmor=.., label=.., mask=.., unmask=..
    masked_paths: tuple[str, ...] | None = None  # None: podman's, and `mask` and `unmask`
    read_only_paths: tuple[str, ...] | None = None
    no_new_privileges: bool = False
    seccomp_policy: str = "default"  # "image": the profile that the image's label has
    sysctls: Mapping[str, str] = EMPTY
    ulimits: tuple[str, ...] = ()
    oom_score_adj: int | None = None
    cgroup_parent: str = ""
    cgroups: str = "enabled"  # enabled | disabled | no-conmon | split
    resources: Resources = Resources()
    rdt_class: str = ""  # a directory of /sys/fs/resctrl

    # healthcheck as the image config has it (Test, Interval, Timeout, StartPeriod, Retries; ns)
    healthcheck: Mapping[str, Any] | None = None
    startup_healthcheck: Mapping[str, Any] | None = None  # with Successes; Retries until a restart
    health_on_failure: str = "none"  # none | kill | restart | stop
    health_log_destination: str = "local"  # local | a directory | events_logger
    health_max_log_count: int = 5  # 0: any number
    health_max_log_size: int = 500  # characters of each output; 0: any number

    personality: str = ""  # "LINUX" | "LINUX32"
    systemd: str = "true"  # "always" | "false" | "true": when the command is an init of its kind
    preserve_fds: int = 0  # how many descriptors from 3 on are passed
    preserve_fd: tuple[int, ...] = ()  # and which others
    hooks_dirs: tuple[str, ...] = ()  # of OCI hooks (spec/oci_hooks.py)
    sdnotify: str = "container"
    pidfile: str = ""
    conmon_pidfile: str = ""
    cidfile: str = ""
    create_command: tuple[str, ...] = ()
    pull: str = ""  # policy; "": the settings'
    platform: str = ""
