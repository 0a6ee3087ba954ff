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
    graph_root: str = "/var/lib/rundlet"  # the state, images, volumes: all that lasts (`--root`)
    run_root: str = "/run/rundlet"  # what does not outlive a boot (`--runroot`)
    temporary: str = ""  # large temporaries; "": graph_root/tmp
    prepare_volume_on_create: bool = False  # new volumes get the image's files by `create`
    volume_path: str = ""  # of named volumes; "": graph_root/volumes
    transient_store: bool = False  # containers do not outlive the boot

    # storage
    storage_driver: str = ""  # "": the first that works here
    storage_driver_priority: tuple[str, ...] = ()  # tried before the others
    storage_options: Mapping[str, Any] = EMPTY  # {driver: {option: value}}
    image_store: str = ""  # files of images (`--imagestore`); "": in graph_root
    additional_image_stores: tuple[str, ...] = ()  # graph roots whose images are only read
    auto_userns_user: str = "containers"  # whose ids in /etc/subuid `--userns auto` takes
    auto_userns_min_size: int = 1024  # how many ids a container gets, at least
    auto_userns_max_size: int = 65536  # how many ids a container gets, at most

    # runtimes
    runtime: str = ""  # "": the first that works here
    runtimes: Mapping[str, Mapping[str, Any]] = EMPTY  # {name: {"path": .., "args": [..], ..}}
    platform_runtimes: Mapping[str, str] = EMPTY  # {"OS/ARCH" of an image: runtime}
    conmon: str = ""  # path; "": found on PATH
    conmon_env: tuple[str, ...] = ()  # NAME=VALUE, for conmon and the runtimes
    no_pivot_root: bool = False  # for a root on a ramdisk
    keyring: bool = True  # whether the runtime makes a session keyring for each container
    container_name_as_hostname: bool = False  # else its id
    healthcheck_events: bool = True  # whether each check has an event
    create_events_inspect: bool = False  # whether events of `create` hold what `inspect` tells
    cgroup_manager: str = ""  # "cgroupfs" | "systemd" | "": probe
    init_path: str = ""  # of `run --init`; "": catatonit, where podman looks for it
    helper_binaries_dirs: tuple[str, ...] = ()  # where catatonit may be, before the usual places
    cdi_spec_dirs: tuple[str, ...] = ()  # (): /etc/cdi and /var/run/cdi
    hooks_dirs: tuple[str, ...] = ("/usr/share/containers/oci/hooks.d",)  # of OCI hooks

    # networks
    network_plugin: str = ""  # "": cni where it is installed, else the first that works
    default_network: str = "podman"  # that containers join without `--network`
    network_config_dirs: tuple[str, ...] = ()  # (): where the plugin looks itself
    network_plugin_dirs: tuple[str, ...] = ()  # (): where the plugin looks itself
    interface_name: str = ""  # "device": that of macvlan and ipvlan; "": eth0, eth1, ...
    default_host_ips: tuple[str, ...] = ()  # that -p and -P without an address mean; (): all
    default_subnet: str = "10.88.0.0/16"  # of the default network
    default_subnet_pools: tuple[str, ...] = ()  # "BASE SIZE" ("10.89.0.0/16 24"); (): podman's

    # containers
    default_capabilities: tuple[str, ...] | None = None  # None: podman's eleven
    default_sysctls: tuple[str, ...] = ("net.ipv4.ping_group_range=0 0",)
    default_ulimits: tuple[str, ...] = ()  # NAME=SOFT[:HARD]
    environment: tuple[str, ...] = (  # NAME=VALUE, of every container
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    )
    seccomp_profile: str = ""  # "": the shipped one
    pids_limit: int = 2048  # of each container; -1: none
    shm_size: int = 65536000  # of /dev/shm
    log_driver: str = "k8s-file"  # "k8s-file" | "journald" | "none" | "passthrough"
    log_size_max: int = -1  # of a log file, which is rotated then
    stop_timeout: int = 10  # before a container that was told to stop is killed
    umask: str = "0022"
    timezone: str = ""  # "local", or a name of /usr/share/zoneinfo; "": the image's
    init: bool = False  # whether each container has an init (`run --init`)
    dns_servers: tuple[str, ...] = ()  # "none": no resolv.conf of ours
    dns_searches: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    host_containers_internal_ip: str = ""  # of that name in /etc/hosts; "none": no such name
    volumes: tuple[str, ...] = ()  # of every container, as `run -v` has them
    annotations: tuple[str, ...] = ()  # NAME=VALUE, of every container
    chown_copied_files: bool = True  # whether what `cp` copies in is the container's user's
    detach_keys: str = "ctrl-p,ctrl-q"  # that leave an attached container
    run_flags: Mapping[str, Any] = EMPTY  # of `run` and `create`: name to default

    # images
    pull_policy: str = "missing"  # "always" | "missing" | "never" | "newer"
    image_parallel_copies: int = 0  # 0: pick by the number of cores
    retries: int = 3  # of a request to a registry that failed for a passing reason
    retry_delay: float = 0.5  # before the first retry; doubled for each after it
    image_default_format: str = ""  # "oci" | "v2s1" | "v2s2"; "": what is there, oci for new ones
    compression_format: str = ""  # of all layers that are pushed; "": as they are
    compression_level: int | None = None  # None: the usual one of the format
    add_compression: tuple[str, ...] = ()  # of more instances that `manifest push` adds
    multi_image_archive: bool = False  # whether `save` takes several images
    registries_conf: str = "/etc/containers/registries.conf"  # this one: or the user's or vendor's
    tls_details: str = ""  # containers-tls-details.yaml(5) of what says no other: --tls-details
    short_name_mode: str = ""  # "enforcing" | "permissive" | "disabled" | "": as registries.conf
    registries_d: str = "/etc/containers/registries.d"  # this one: with the user's and vendor's
    policy_json: str = "/etc/containers/policy.json"  # this one: or the user's or vendor's
    signature_policy: str = ""  # a trust policy that comes before both
    certs_dirs: tuple[str, ...] = (  # HOST:PORT/ below has a registry's; a user's own comes first
        "/etc/containers/certs.d",
        "/etc/docker/certs.d",
    )

    # secrets, events, locks
    secret_driver: str = "file"  # that keeps new secrets
    secret_options: Mapping[str, Any] = EMPTY  # of that driver; --driver-opts instead of them
    events_backend: str = "sqlite"  # "sqlite" | "none"
    lock_timeout: float = 60.0  # how long a command waits for another that changes the same

    # the engine's own process
    engine_env: tuple[str, ...] = ()  # NAME=VALUE
    unknown_keys: tuple[str, ...] = ()  # of containers.conf and storage.conf: "FILE: TABLE.KEY"

    # plugins
    disabled_plugins: tuple[str, ...] = ()  # names; they are never imported
    plugins: Mapping[str, Mapping[str, Any]] = EMPTY  # {name: table}: each plugin's own
