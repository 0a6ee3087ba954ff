"""[containers]: how containers are made."""

from __future__ import annotations

from .key import Key

_T = "containers"
_SELINUX = "labels are only given where `--security-opt label=` asks for them"

CONTAINERS = (
    Key(_T, "annotations", setting="annotations"),
    Key(_T, "apparmor_profile", without="give `--security-opt apparmor=PROFILE`"),
    Key(_T, "base_hosts_file", flag="hosts-file"),
    Key(_T, "cgroup_conf", flag="cgroup-conf", kind=list),
    Key(_T, "cgroupns", flag="cgroupns"),
    Key(_T, "cgroups", flag="cgroups"),
    Key(_T, "container_name_as_hostname", setting="container_name_as_hostname"),
    Key(_T, "default_capabilities", setting="default_capabilities"),
    Key(_T, "default_sysctls", setting="default_sysctls"),
    Key(_T, "default_ulimits", setting="default_ulimits"),
    Key(_T, "devices", flag="device", kind=list),
    Key(_T, "dns_options", setting="dns_options"),
    Key(_T, "dns_searches", setting="dns_searches"),
    Key(_T, "dns_servers", setting="dns_servers"),
    Key(_T, "env", setting="environment"),
    Key(_T, "env_host", flag="env-host", kind=bool),
    Key(_T, "env_merge", flag="env-merge", kind=list),
    Key(_T, "host_containers_internal_ip", setting="host_containers_internal_ip"),
    Key(_T, "http_proxy", flag="http-proxy", kind=bool),
    Key(_T, "init", setting="init"),
    Key(_T, "init_path", setting="init_path"),
    Key(_T, "interface_name", setting="interface_name"),
    Key(_T, "ipcns", flag="ipc"),
    Key(_T, "keyring", setting="keyring"),
    Key(_T, "label", without=_SELINUX),
    Key(_T, "label_users", without=_SELINUX),
    Key(_T, "log_driver", setting="log_driver"),
    Key(_T, "log_path", flag="log-opt", prefix="path="),
    Key(_T, "log_size_max", setting="log_size_max"),
    Key(_T, "log_tag", flag="log-opt", prefix="tag="),
    Key(_T, "mounts", flag="mount", kind=list),
    Key(_T, "netns", flag="network"),
    Key(_T, "no_hosts", flag="no-hosts", kind=bool),
    Key(_T, "oom_score_adj", flag="oom-score-adj", kind=int),
    Key(_T, "pidns", flag="pid"),
    Key(_T, "pids_limit", setting="pids_limit"),
    Key(_T, "prepare_volume_on_create", setting="prepare_volume_on_create"),
    Key(_T, "privileged", flag="privileged", kind=bool),
    Key(_T, "read_only", flag="read-only", kind=bool),
    Key(_T, "restart_policy", flag="restart"),
    Key(_T, "seccomp_profile", setting="seccomp_profile"),
    Key(_T, "shm_size", flag="shm-size"),
    Key(_T, "tz", setting="timezone"),
    Key(_T, "umask", setting="umask"),
    Key(_T, "userns", flag="userns"),
    Key(_T, "userns_size", without="podman has dropped it: give `--userns auto:size=N`"),
    Key(_T, "utsns", flag="uts"),
    Key(_T, "volumes", setting="volumes"),
)
