"""The settings of one process: an immutable snapshot, never changed, only replaced.

Made by `settings.load` from built-in defaults, `containers.conf`, `storage.conf`,
`rundlet.toml` (validated by pydantic-settings) and RUNDLET_ variables, and kept as a
checked, cached file that hot commands read instead. Paths are text here: pathlib
is not free to import, and the snapshot is read by every command.
"""

from __future__ import annotations

from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Settings(Value):
    """Everything configurable. Empty text means "not configured: probe or built-in".

    Units: sizes in bytes (-1 unlimited), times in seconds.
    """

    # where things are
    graph_root: str = "/var/lib/rundlet"
    run_root: str = "/run/rundlet"
    temporary: str = ""  # large temporaries; "" is graph_root/tmp
    volume_path: str = ""  # of named volumes; "" is graph_root/volumes
    transient_store: bool = False  # containers do not outlive the boot

    # storage
    storage_driver: str = ""
    storage_driver_priority: tuple[str, ...] = ()  # tried before the others
    storage_options: Mapping[str, Any] = EMPTY  # {driver: {option: value}}
    additional_image_stores: tuple[str, ...] = ()  # graph roots whose images are only read
    auto_userns_user: str = "containers"  # whose ids in /etc/subuid `--userns auto` takes
    auto_userns_min_size: int = 1024
    auto_userns_max_size: int = 65536

    # runtimes: {name: {"path": .., "args": [..], ...}}
    runtime: str = ""
    runtimes: Mapping[str, Mapping[str, Any]] = EMPTY
    conmon: str = ""
    conmon_env: tuple[str, ...] = ()  # NAME=VALUE, for conmon and the runtimes
    no_pivot_root: bool = False
    keyring: bool = True  # whether the runtime makes a session keyring for each container
    container_name_as_hostname: bool = False
    healthcheck_events: bool = True  # whether each check has an event
    cgroup_manager: str = ""  # "cgroupfs" | "systemd" | "": probe
    init_path: str = ""
    helper_binaries_dirs: tuple[str, ...] = ()  # where catatonit may be, before the usual places
    cdi_spec_dirs: tuple[str, ...] = ()
    hooks_dirs: tuple[str, ...] = ("/usr/share/containers/oci/hooks.d",)  # of OCI hooks

    # networks
    network_plugin: str = ""
    default_network: str = "podman"
    network_config_dirs: tuple[str, ...] = ()
    network_plugin_dirs: tuple[str, ...] = ()
    default_subnet: str = "10.88.0.0/16"
    default_subnet_pools: tuple[str, ...] = ()  # "BASE SIZE" ("10.89.0.0/16 24"); (): podman's

    # containers
    default_capabilities: tuple[str, ...] | None = None  # None: podman's eleven
    default_sysctls: tuple[str, ...] = ("net.ipv4.ping_group_range=0 0",)
    default_ulimits: tuple[str, ...] = ()
    environment: tuple[str, ...] = (
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    )
    seccomp_profile: str = ""  # "": the shipped one
    pids_limit: int = 2048
    shm_size: int = 65536000
    log_driver: str = "k8s-file"
    log_size_max: int = -1
    stop_timeout: int = 10
    umask: str = "0022"
    timezone: str = ""
    init: bool = False
    dns_servers: tuple[str, ...] = ()
    dns_searches: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    host_containers_internal_ip: str = ""
    volumes: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    detach_keys: str = "ctrl-p,ctrl-q"
    run_flags: Mapping[str, Any] = EMPTY  # of `run` and `create`: name to default

    # images
    pull_policy: str = "missing"
    image_parallel_copies: int = 0  # 0: pick by the number of cores
    retries: int = 3  # of a request to a registry that failed for a passing reason
    retry_delay: float = 0.5  # before the first retry; doubled for each after it
    image_default_format: str = ""  # "oci" | "v2s1" | "v2s2"; "": what is there, oci for new ones
    compression_format: str = ""  # of all layers that are pushed; "": as they are
    compression_level: int | None = None
    multi_image_archive: bool = False
    registries_conf: str = "/etc/containers/registries.conf"
    short_name_mode: str = ""  # "enforcing" | "permissive" | "disabled" | "": as registries.conf
    registries_d: str = "/etc/containers/registries.d"  # a user's own comes before it
    policy_json: str = "/etc/containers/policy.json"  # likewise
    signature_policy: str = ""  # a trust policy that comes before both
    certs_dirs: tuple[str, ...] = ("/etc/containers/certs.d", "/etc/docker/certs.d")

    # secrets, events, locks
    secret_driver: str = "file"
    events_backend: str = "sqlite"
    lock_timeout: float = 60.0

    # the engine's own process
    engine_env: tuple[str, ...] = ()  # NAME=VALUE
    unknown_keys: tuple[str, ...] = ()  # of containers.conf and storage.conf: "FILE: TABLE.KEY"

    # plugins
    disabled_plugins: tuple[str, ...] = ()

    # rundlet.toml tables that belong to plugins: {"plugins": {name: {...}}}
    plugins: Mapping[str, Mapping[str, Any]] = EMPTY
