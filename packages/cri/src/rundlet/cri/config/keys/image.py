"""The table [crio.image]."""

from __future__ import annotations

from .key import Key

_T = "crio.image"
_NO_INFRA = "pods have no infra container: their namespaces are pinned by files"

KEYS = (
    Key(_T, "default_transport", "docker://", "Transport of image names without one",
        "default-transport"),
    Key(_T, "global_auth_file", "", "Credentials of all pulls, as kubelet's config.json",
        "global-auth-file", live=True),
    Key(_T, "namespaced_auth_dir", "/etc/crio/auth",
        "Credentials of one Kubernetes namespace's pulls: NAMESPACE-HASH.json in here",
        "namespaced-auth-dir", live=True),
    Key(_T, "pause_image", "registry.k8s.io/pause:3.10.1",
        "Is pinned; no pod needs it", "pause-image", live=True),
    Key(_T, "pause_image_auth_file", "", "Credentials of its pull", "pause-image-auth-file",
        live=True, without=_NO_INFRA),
    Key(_T, "pause_command", "/pause", "What runs in it", "pause-command", live=True,
        without=_NO_INFRA),
    Key(_T, "pinned_images", (),
        "Images that kubelet leaves alone when it clears up: names, NAME* or *WORD*",
        "pinned-images", live=True),
    Key(_T, "signature_policy", "", "Trust policy of pulls; else /etc/containers/policy.json",
        "signature-policy", live=True),
    Key(_T, "signature_policy_dir", "/etc/crio/policies",
        "Trust policies of one Kubernetes namespace's pulls: NAMESPACE.json in here",
        "signature-policy-dir", live=True),
    Key(_T, "insecure_registries", (), "Registries whose TLS is not checked: hosts or networks",
        "insecure-registry", live=True),
    Key(_T, "image_volumes", "mkdir",
        "Volumes of images: mkdir and bind are a volume of the container, ignore is none",
        "image-volumes", choices=("mkdir", "bind", "ignore")),
    Key(_T, "big_files_temporary_dir", "", "Directory for large temporary files",
        "big-files-temporary-dir"),
    Key(_T, "separate_pull_cgroup", "", "Cgroup that pulls are done in", "separate-pull-cgroup",
        env="PULL_IN_A_CGROUP", without="pulls are done by threads of the server"),
    Key(_T, "auto_reload_registries", False,
        "Look at registries.conf again for every pull (which is done here always)",
        "auto-reload-registries", env="AUTO_RELOAD_REGISTRIES"),
    Key(_T, "pull_progress_timeout", "0s",
        "End a pull when no byte came for so long; 0: two minutes", "pull-progress-timeout",
        kind="duration", live=True),
    Key(_T, "oci_artifact_mount_support", True, "Mount OCI artifacts as volumes",
        "oci-artifact-mount-support", env="CONTAINER_OCI_ARTIFACT_SUPPORT",
        without="image volumes are of images"),
    Key(_T, "short_name_mode", "enforcing", "Short names that fit several registries",
        "short-name-mode", choices=("enforcing", "disabled"), live=True),
    Key(_T, "additional_artifact_stores", (), "Stores of OCI artifacts",
        "additional-artifact-stores", without="image volumes are of images"),
    Key(_T, "registries", (), "Registries for names without one", gone=True,
        without="set unqualified-search-registries in registries.conf"),
)  # fmt: skip
