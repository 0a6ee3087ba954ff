"""The tables with names: [crio.runtime.runtimes.NAME] and [crio.runtime.workloads.NAME]."""

from __future__ import annotations

from .key import Key

RUNTIMES = "crio.runtime.runtimes"
WORKLOADS = "crio.runtime.workloads"
_R, _W, _L = RUNTIMES, WORKLOADS, f"{WORKLOADS}.resources"
_EXEC = "a process of exec is in its container's cgroup, which says where it runs"

RUNTIME_KEYS = (
    Key(_R, "runtime_path", "", "Path of the OCI runtime; else the one of the handler's name"),
    Key(_R, "runtime_type", "oci", "oci; vm for a containerd shim; pod counts as oci",
        choices=("", "oci", "vm", "pod")),
    Key(_R, "runtime_root", "", "Directory of the runtime's own state"),
    Key(_R, "runtime_config_path", "", "Configuration of a runtime of type vm"),
    Key(_R, "inherit_default_runtime", False,
        "Path, type, root and configuration are those of default_runtime"),
    Key(_R, "platform_runtime_paths", {}, "Paths by platform (linux/arm64)"),
    Key(_R, "privileged_without_host_devices", False,
        "Privileged containers get only the devices they ask for"),
    Key(_R, "allowed_annotations", (), "Annotations that pods may change themselves with"),
    Key(_R, "default_annotations", {}, "Annotations of pods that do not set them"),
    Key(_R, "container_min_memory", "", "Least memory limit; else 12 MiB"),
    Key(_R, "seccomp_profile", "", "Profile of RuntimeDefault with this handler"),
    Key(_R, "no_sync_log", False, "Logs need not be on disk when a container ends"),
    Key(_R, "monitor_path", "", "Path of conmon"),
    Key(_R, "monitor_env", (), "Variables of conmon and the runtime"),
    Key(_R, "monitor_cgroup", "", "Cgroup of conmon",
        without="conmon stays in the server's cgroup, which outlives the server"),
    Key(_R, "monitor_exec_cgroup", "", "Cgroup of exec probes", without=_EXEC),
    Key(_R, "exec_cpu_affinity", "", "Processors of exec", without=_EXEC),
    Key(_R, "stream_websockets", False, "Serve WebSocket",
        without="it is served beside SPDY, always"),
    Key(_R, "container_create_timeout", 240, "Seconds that a creation may take",
        without="a creation goes on, and a retry joins it"),
)  # fmt: skip

WORKLOAD_KEYS = (
    Key(_W, "activation_annotation", "", "The annotation of pods of this workload"),
    Key(_W, "annotation_prefix", "", "PREFIX/CONTAINER is an annotation with other resources"),
    Key(_W, "allowed_annotations", (), "Annotations that these pods may change themselves with"),
)
RESOURCE_KEYS = (
    Key(_L, "cpuset", "", "Processors"),
    Key(_L, "cpushares", 0, "CPU shares"),
    Key(_L, "cpuquota", 0, "CPU quota in microseconds"),
    Key(_L, "cpuperiod", 0, "CPU period in microseconds"),
    Key(_L, "cpulimit", 0, "Thousandths of a processor; a quota is made of them"),
)
