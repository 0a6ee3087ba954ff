"""[engine] and its tables: the engine itself."""

from __future__ import annotations

from .key import Key

_T = "engine"
_DAEMON = "this engine has no daemon, and no remote clients"
_PODS = "pods are those of kubelet and `rundlet-cri`: see crio.md"
_RULES = "rules forward ports: none is held open"
_VOLUMES = "volumes are local directories"
_STATE = "all state is one SQLite database, with a lock file for each object"
_PLACES = "graph_root and run_root of rundlet.toml (`--root`, `--runroot`) say where all is"
_EVENTS = "events are kept in the state database, the newest 100,000"
_COMPOSE = "there is no `compose`"

ENGINE = (
    Key(_T, "active_service", without=_DAEMON),
    Key(_T, "add_compression", setting="add_compression"),
    Key(_T, "cdi_spec_dirs", setting="cdi_spec_dirs"),
    Key(_T, "cgroup_manager", setting="cgroup_manager"),
    Key(_T, "chown_copied_files", setting="chown_copied_files"),
    Key(_T, "compat_api_enforce_docker_hub", without=_DAEMON),
    Key(_T, "compose_providers", without=_COMPOSE),
    Key(_T, "compose_warning_logs", without=_COMPOSE),
    Key(_T, "compression_format", setting="compression_format"),
    Key(_T, "compression_level", setting="compression_level"),
    Key(_T, "conmon_env_vars", setting="conmon_env"),
    Key(_T, "conmon_path", does="the first that is there; else conmon on PATH (`conmon`)"),
    Key(_T, "database_backend", without=_STATE),
    Key(_T, "detach_keys", setting="detach_keys"),
    Key(_T, "enable_port_reservation", without=_RULES),
    Key(_T, "env", setting="engine_env"),
    Key(_T, "events_container_create_inspect_data", setting="create_events_inspect"),
    Key(_T, "events_logfile_max_size", without=_EVENTS),
    Key(_T, "events_logfile_path", without=_EVENTS),
    Key(_T, "events_logger", does="none: no events are kept; else they are, in the state database"),
    Key(_T, "exit_command_delay", without=_DAEMON),
    Key(_T, "force_port_listen", without=_RULES),
    Key(_T, "healthcheck_events", setting="healthcheck_events"),
    Key(_T, "helper_binaries_dir", setting="helper_binaries_dirs"),
    Key(_T, "hooks_dir", setting="hooks_dirs"),
    Key(_T, "image_build_format", without="podman has replaced it: give `build --format`"),
    Key(_T, "image_copy_tmp_dir", does="directory of large temporaries; storage: below graph_root"),
    Key(_T, "image_default_format", setting="image_default_format"),
    Key(_T, "image_default_transport", without="names without a transport are of a registry"),
    Key(_T, "image_parallel_copies", setting="image_parallel_copies"),
    Key(_T, "image_volume_mode", flag="image-volume"),
    Key(_T, "infra_command", without=_PODS),
    Key(_T, "infra_image", without=_PODS),
    Key(_T, "init_path", setting="init_path"),
    Key(_T, "kube_generate_type", without=_PODS),
    Key(_T, "lock_type", without=_STATE),
    Key(_T, "multi_image_archive", setting="multi_image_archive"),
    Key(_T, "namespace", without="libpod namespaces are not supported: use another `--root`"),
    Key(_T, "network_cmd_options", without="it is of rootless networks"),
    Key(_T, "network_cmd_path", without="it is of rootless networks"),
    Key(_T, "no_pivot_root", setting="no_pivot_root"),
    Key(_T, "num_locks", without=_STATE),
    Key(_T, "pod_exit_policy", without=_PODS),
    Key(_T, "podmansh_timeout", without="there is no podmansh"),
    Key(_T, "pull_policy", setting="pull_policy"),
    Key(_T, "remote", without=_DAEMON),
    Key(_T, "retry", setting="retries"),
    Key(_T, "retry_delay", does="seconds before the first retry, doubled for each after it"),
    Key(_T, "runtime", setting="runtime"),
    Key(_T, "runtime_supports_json", without="each runtime's driver knows what it can"),
    Key(_T, "runtime_supports_kvm", without="each runtime's driver knows what it can"),
    Key(_T, "runtime_supports_nocgroups", without="each runtime's driver knows what it can"),
    Key(_T, "service_timeout", without=_DAEMON),
    Key(_T, "static_dir", without=_PLACES),
    Key(_T, "stop_timeout", setting="stop_timeout"),
    Key(_T, "tmp_dir", without=_PLACES),
    Key(_T, "volume_path", setting="volume_path"),
    Key(_T, "volume_plugin_timeout", without=_VOLUMES),
    Key(
        "engine.platform_to_oci_runtime",
        "*",
        does="runtime of images for a platform, OS/ARCH (`platform_runtimes` of rundlet.toml)",
    ),
    Key("engine.runtimes", "*", does="paths of a runtime, of which the first that is there counts"),
    Key("engine.runtimes_flags", "*", does="options of a runtime, as `--runtime-flag` gives them"),
    Key("engine.service_destinations", "*", without=_DAEMON),
    Key("engine.volume_plugins", "*", without=_VOLUMES),
)
