"""The tables of what is told: metrics, tracing, stats; NRI and checkpoints."""

from __future__ import annotations

from .key import Key

_M, _TR, _S, _N = "crio.metrics", "crio.tracing", "crio.stats", "crio.nri"
_V = "crio.nri.default_validator"
_NRI = "NRI plugins are not called: hooks of Rundlet are Python plugins (rundlet.hooks)"

COLLECTORS = (
    "image_pulls_layer_size",
    "containers_events_dropped_total",
    "containers_oom_total",
    "processes_defunct",
    "operations_total",
    "operations_latency_seconds",
    "operations_latency_seconds_total",
    "operations_errors_total",
    "image_pulls_bytes_total",
    "image_pulls_skipped_bytes_total",
    "image_pulls_failure_total",
    "image_pulls_success_total",
    "image_layer_reuse_total",
    "containers_oom_count_total",
    "containers_seccomp_notifier_count_total",
    "resources_stalled_at_stage",
    "containers_stopped_monitor_count",
)

KEYS = (
    Key(_M, "enable_metrics", False, "Serve Prometheus metrics", "enable-metrics"),
    Key(_M, "metrics_collectors", COLLECTORS, "Which of them", "metrics-collectors"),
    Key(_M, "metrics_host", "127.0.0.1", "Address they are served on", "metrics-host"),
    Key(_M, "metrics_port", 9090, "Port they are served on", "metrics-port"),
    Key(_M, "metrics_socket", "", "Unix socket they are served on too", "metrics-socket"),
    Key(_M, "metrics_cert", "", "Certificate, to serve them by TLS (PEM)", "metrics-cert"),
    Key(_M, "metrics_key", "", "Key of the certificate (PEM)", "metrics-key"),
    Key(_TR, "enable_tracing", False, "Export OpenTelemetry traces (rundlet-cri[tracing])",
        "enable-tracing"),
    Key(_TR, "tracing_endpoint", "127.0.0.1:4317", "Address of the OTLP collector (gRPC)",
        "tracing-endpoint"),
    Key(_TR, "tracing_sampling_rate_per_million", 0,
        "So many of a million traces that begin here; those of a caller go by the caller",
        "tracing-sampling-rate-per-million"),
    Key(_S, "stats_collection_period", 0, "Seconds between measurements of stats",
        "stats-collection-period",
        without="stats are measured when they are asked for"),
    Key(_S, "collection_period", 0, "Seconds between measurements of stats and metrics",
        "collection-period", env="COLLECTION_PERIOD",
        without="stats are measured when they are asked for"),
    Key(_S, "included_pod_metrics", ("all",),
        "Metrics of ListPodSandboxMetrics: all, or some of cpu, disk, memory, network, process",
        "included-pod-metrics", env="CONTAINER_INCLUDED_POD_METRCIS", live=True),
    Key(_N, "enable_nri", False, "Call NRI plugins", "enable-nri", env="-", without=_NRI),
    Key(_N, "nri_listen", "/var/run/nri/nri.sock", "Socket that NRI plugins connect to",
        "nri-listen", env="-", without=_NRI),
    Key(_N, "nri_plugin_dir", "/opt/nri/plugins", "NRI plugins that are started",
        "nri-plugin-dir", env="-", without=_NRI),
    Key(_N, "nri_plugin_config_dir", "/etc/nri/conf.d", "Their configuration",
        "nri-plugin-config-dir", env="-", without=_NRI),
    Key(_N, "nri_disable_connections", False, "Let no NRI plugin connect",
        "nri-disable-connections", env="-", without=_NRI),
    Key(_N, "nri_plugin_registration_timeout", "5s", "Time to register",
        "nri-plugin-registration-timeout", env="-", kind="duration", without=_NRI),
    Key(_N, "nri_plugin_request_timeout", "2s", "Time to answer",
        "nri-plugin-request-timeout", env="-", kind="duration", without=_NRI),
    Key(_V, "nri_enable_default_validator", False, "Validate what NRI plugins change",
        without=_NRI),
    *(
        Key(_V, f"nri_validator_reject_{what}_adjustment", False, f"Refuse changes of {words}",
            without=_NRI)
        for what, words in (
            ("oci_hook", "OCI hooks"),
            ("runtime_default_seccomp", "the default seccomp profile"),
            ("unconfined_seccomp", "no seccomp profile"),
            ("custom_seccomp", "a pod's seccomp profile"),
            ("namespace", "namespaces"),
        )
    ),
    Key(_V, "nri_validator_required_plugins", (), "NRI plugins that must be there", without=_NRI),
    Key(_V, "nri_validator_tolerate_missing_plugins_annotation", "",
        "Annotation of pods that may do without", without=_NRI),
    Key("crio.checkpoint_restore", "container_level_enabled", True,
        "Checkpoint single containers", live=True),
)  # fmt: skip
