"""crio.conf, its drop-ins, variables and flags: precedence, errors, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devtools import crio_page
from rundlet.core.commands.parse import Options
from rundlet.core.errors import SettingsError
from rundlet.core.settings.snapshot import Settings
from rundlet.cri.config import apply, load, show, warn
from rundlet.cri.config.flags import OPTIONS
from rundlet.cri.config.keys import KEYS
from rundlet.cri.config.model import Config, defaults
from rundlet.cri.config.setup import make, reloaded

CRIO_FLAGS = """
absent-mount-sources-to-reject add-inheritable-capabilities additional-devices allowed-devices
apparmor-profile auto-reload-registries big-files-temporary-dir bind-mount-prefix
blockio-config-file blockio-reload cdi-spec-dirs cgroup-manager clean-shutdown-file
cni-config-dir cni-default-network cni-plugin-dir collection-period config config-dir conmon
conmon-cgroup conmon-env container-attach-socket-dir container-exits-dir ctr-stop-timeout
decryption-keys-path default-capabilities default-env default-mounts-file default-runtime
default-sysctls default-transport default-ulimits device-ownership-from-security-context
disable-hostport-mapping drop-infra-ctr enable-criu-support enable-metrics enable-nri
enable-pod-events enable-profile-unix-socket enable-tracing gid-mappings global-auth-file
grpc-max-recv-msg-size grpc-max-send-msg-size hooks-dir hostnetwork-disable-selinux
image-volumes imagestore included-pod-metrics infra-ctr-cpuset insecure-registry
internal-repair internal-wipe irqbalance-config-file irqbalance-config-restore-file listen log
log-dir log-filter log-format log-journald log-level log-size-max metrics-cert
metrics-collectors metrics-host metrics-key metrics-port metrics-socket minimum-mappable-gid
minimum-mappable-uid namespaces-dir no-pivot nri-disable-connections nri-listen
nri-plugin-config-dir nri-plugin-dir nri-plugin-registration-timeout
nri-plugin-request-timeout oci-artifact-mount-support pause-command pause-image
pause-image-auth-file pids-limit pinned-images pinns-path privileged-seccomp-profile profile
profile-cpu profile-mem profile-port pull-progress-timeout rdt-config-file read-only root
runroot runtimes seccomp-profile selinux separate-pull-cgroup shared-cpuset signature-policy
signature-policy-dir stats-collection-period storage-driver storage-opt stream-address
stream-enable-tls stream-idle-timeout stream-port stream-tls-ca stream-tls-cert stream-tls-key
timezone tracing-endpoint tracing-sampling-rate-per-million uid-mappings version version-file
version-file-persist
"""  # crio(8) of 1.36


def read(*words: str, environment: dict[str, str] | None = None) -> Config:
    options = Options(OPTIONS)
    options.parse(["--config", "", "--config-dir", "", *words])
    return load.load(options.parsed(), environment or {})


def configured(tmp_path: Path, text: str, *words: str) -> Config:
    file = tmp_path / "crio.conf"
    file.write_text(text)
    return read("--config", str(file), *words)


def test_every_flag_of_crio_is_there() -> None:
    assert set(CRIO_FLAGS.split()) <= {option.name for option in OPTIONS}
    shorts = {option.short: option.name for option in OPTIONS if option.short}
    wanted = "c=config d=config-dir l=log-level r=root s=storage-driver v=version"
    assert dict(pair.split("=") for pair in wanted.split()).items() <= shorts.items()


def test_later_files_win_then_variables_then_flags(tmp_path: Path) -> None:
    (tmp_path / "crio.conf").write_text(
        '[crio.runtime]\npids_limit = 1\nread_only = true\nlog_level = "debug"\n'
        '[crio.runtime.runtimes.a]\nruntime_path = "/a"\nruntime_root = "/ra"\n'
        '[crio.image]\npinned_images = ["one", "two"]\n'
    )
    drop_ins = tmp_path / "d"
    (drop_ins / "deeper").mkdir(parents=True)
    (drop_ins / "10-first").write_text("[crio.runtime]\npids_limit = 2\n")
    (drop_ins / "deeper/20-second.conf").write_text(
        '[crio.runtime]\npids_limit = 3\n[crio.runtime.runtimes.a]\nruntime_path = "/b"\n'
        '[crio.image]\npinned_images = ["three"]\n'
    )
    (drop_ins / ".hidden").write_text("not TOML")
    words = ["--config", str(tmp_path / "crio.conf"), "--config-dir", str(drop_ins)]
    found = read(*words)
    assert found.number("crio.runtime.pids_limit") == 3
    assert found.flag("crio.runtime.read_only")
    assert found.texts("crio.image.pinned_images") == ("three",), "lists are replaced"
    assert found.runtimes["a"]["runtime_path"] == "/b"
    assert found.runtimes["a"]["runtime_root"] == "", "so are tables of runtimes"
    variables = {"CONTAINER_PIDS_LIMIT": "4", "CONTAINER_PINNED_IMAGES": "x, y"}
    found = read(*words, environment=variables)
    assert found.number("crio.runtime.pids_limit") == 4
    assert found.texts("crio.image.pinned_images") == ("x", "y")
    found = read(*words, "--pids-limit", "5", "--read-only=false", environment=variables)
    assert found.number("crio.runtime.pids_limit") == 5
    assert not found.flag("crio.runtime.read_only")
    with pytest.raises(SettingsError, match=r"first is no directory"):
        read("--config-dir", str(drop_ins / "10-first"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[crio.runtime]\npids_limt = 1\n", "crio.runtime.pids_limt: no such key"),
        ("[crio.runtme]\nx = 1\n", "crio.runtme: no such key"),
        ("[crio]\nruntime = 1\n", "crio.runtime: expected a table"),
        ('[crio.runtime]\npids_limit = "1"\n', "pids_limit: expected a whole number"),
        ("[crio.runtime]\npids_limit = true\n", "pids_limit: expected a whole number"),
        ("[crio.runtime]\nread_only = 1\n", "read_only: expected true or false"),
        ("[crio.runtime]\nhooks_dir = 'x'\n", "hooks_dir: expected a list of texts"),
        ("[crio.runtime]\ncgroup_manager = 'x'\n", "'x' is not one of cgroupfs, systemd"),
        ("[crio.runtime]\nlog_filter = '('\n", "log_filter"),
        ("[crio.runtime]\nlog_size_max = 8191\n", "less than 8192"),
        ("[crio.api]\nlisten = 'cri.sock'\n", "not an absolute path"),
        ("[crio.api]\nstream_port = '70000'\n", "no port"),
        ("[crio.api]\nstream_enable_tls = true\n", "needs stream_tls_cert"),
        ("[crio.image]\npull_progress_timeout = 'soon'\n", "no duration"),
        ("[crio.metrics]\nmetrics_cert = '/c'\n", "needs metrics_key"),
        ("[crio.runtime.runtimes.x]\nruntime_pth = '/x'\n", "runtimes.x.runtime_pth: no such key"),
        ("[crio.runtime.runtimes]\nx = 1\n", "runtimes.x: expected a table"),
        ("[crio.runtime.runtimes.x]\nruntime_type = 'wasm'\n", "not one of oci, vm, pod"),
        ("[crio.runtime.workloads.x]\n", "needs an activation_annotation"),
        ("[crio\n", "crio.conf"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as error:
        configured(tmp_path, text)
    assert words in str(error.value)
    assert "crio.conf" in str(error.value)


def test_wrong_variables_and_flags_are_named() -> None:
    with pytest.raises(SettingsError, match="CONTAINER_PIDS_LIMIT: expected a whole number"):
        read(environment={"CONTAINER_PIDS_LIMIT": "many"})
    with pytest.raises(SettingsError, match="--runtimes"):
        read("--runtimes", "x:/path")
    with pytest.raises(SettingsError, match="no such file"):
        read("--config", "/nowhere/crio.conf")


def test_config_reads_back_to_the_same(tmp_path: Path) -> None:
    said = configured(
        tmp_path,
        '[crio.runtime]\ndefault_runtime = "fast"\nlog_filter = "a\\"b\\\\\\u007f"\n'
        "[crio.runtime.runtimes.fast]\nruntime_path = '/usr/bin/crun'\nmonitor_env = ['A=1']\n"
        "default_annotations = { 'a.b/c' = 'd' }\n"
        "[crio.runtime.runtimes.'odd name']\nruntime_path = '/usr/bin/runc'\n"
        "[crio.runtime.workloads.w]\nactivation_annotation = 'io.crio/w'\n"
        "[crio.runtime.workloads.w.resources]\ncpushares = '5'\ncpuset = '0'\n",
        "--pinned-images",
        "a,b*",
    )
    for printed in (show.commented(said), show.plain(said)):
        again = configured(tmp_path, printed)
        assert again.values == said.values
        assert again.runtimes == said.runtimes
        assert again.workloads == said.workloads
    assert configured(tmp_path, show.commented(defaults())).said == {}
    assert len(configured(tmp_path, show.plain(defaults())).said) == sum(
        not key.gone for key in KEYS
    )


def test_what_has_no_effect_is_said_with_its_reason(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        "[crio]\nfile_locking = true\n"
        "[crio.runtime]\npinns_path = ''\nmanage_ns_lifecycle = false\n"
        "[crio.runtime.runtimes.p]\nruntime_type = 'pod'\nmonitor_cgroup = 'x.slice'\n",
    )
    options = Options(OPTIONS)
    options.parse(["--profile"])
    said = list(warn.warnings(config, options.parsed()))
    for words in (
        "crio.file_locking",
        "manage_ns_lifecycle",
        "p.monitor_cgroup",
        "p: conmon-rs",
        "--profile",
    ):
        assert any(words in line for line in said), words
    assert not any("pinns_path" in line for line in said), "it was set to its default"


def settings(tmp_path: Path, text: str, **base: Any) -> Settings:
    return apply.settings(Settings(**base), configured(tmp_path, text))


def test_runtimes_are_the_engines_tables(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        "[crio.runtime]\ndefault_runtime = 'fast'\nconmon_env = ['A=1']\n"
        "[crio.runtime.runtimes.fast]\nruntime_path = '/opt/bin/crun-1.20'\n"
        "runtime_root = '/run/x'\nprivileged_without_host_devices = true\n"
        "allowed_annotations = ['io.kubernetes.cri-o.Devices']\n"
        "[crio.runtime.runtimes.same]\ninherit_default_runtime = true\nno_sync_log = true\n"
        "[crio.runtime.runtimes.runc]\n"
        "[crio.runtime.runtimes.wasm]\nruntime_path = '/usr/bin/youki'\n",
        runtimes={"mine": {"kind": "runsc"}},
    )
    assert found.runtime == "fast"
    fast = found.runtimes["fast"]
    assert (fast["kind"], fast["path"], fast["root"]) == ("crun", "/opt/bin/crun-1.20", "/run/x")
    assert fast["privileged_without_host_devices"] is True
    assert fast["allowed_annotations"] == ("io.kubernetes.cri-o.Devices",)
    assert fast["monitor_env"] == ("A=1",)
    assert found.runtimes["same"]["path"] == "/opt/bin/crun-1.20"
    assert found.runtimes["same"]["no_sync_log"] is True
    assert found.runtimes["runc"]["kind"] == "runc"
    assert found.runtimes["wasm"]["kind"] == "runc", "others have runc's command line"
    assert found.runtimes["mine"] == {"kind": "runsc"}, "rundlet.toml's stay"
    assert found.runtimes["crun"] == {"monitor_env": ("A=1",)}, "a driver without a table too"


def test_the_configuration_of_cri_os_packages(tmp_path: Path) -> None:
    """Their runtimes are of the type that conmon-rs watches; ours are watched by conmon."""
    found = settings(
        tmp_path,
        "[crio.image]\nsignature_policy = '/etc/crio/policy.json'\n"
        "[crio.runtime]\ndefault_runtime = 'crun'\n"
        "[crio.runtime.runtimes.crun]\nruntime_path = '/usr/libexec/crio/crun'\n"
        "runtime_root = '/run/crun'\nruntime_type = 'pod'\n"
        "monitor_path = '/usr/libexec/crio/conmonrs'\n"
        "allowed_annotations = ['io.containers.trace-syscall']\n",
    )
    crun = found.runtimes["crun"]
    assert (crun["kind"], crun["path"]) == ("crun", "/usr/libexec/crio/crun")
    assert "conmon" not in crun
    assert found.signature_policy == "/etc/crio/policy.json"


def test_wrong_runtimes_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"crio.conf: crio.runtime.default_runtime: .*'no'"):
        settings(tmp_path, "[crio.runtime]\ndefault_runtime = 'no'\n")
    with pytest.raises(SettingsError, match="no driver here speaks to the shim"):
        settings(
            tmp_path,
            "[crio.runtime.runtimes.x]\nruntime_type = 'vm'\n"
            "runtime_path = '/usr/bin/containerd-shim-moon-v2'\n",
        )


def test_what_crio_does_not_say_is_as_rundlet_says(tmp_path: Path) -> None:
    said = settings(tmp_path, "", seccomp_profile="/mine.json", timezone="UTC")
    assert (said.seccomp_profile, said.timezone) == ("/mine.json", "UTC")
    assert said.default_capabilities is not None
    assert "NET_RAW" not in said.default_capabilities, "CRI-O's nine"
    assert "SYS_CHROOT" not in said.default_capabilities
    said = settings(
        tmp_path,
        "[crio]\nstorage_option = ['overlay.mountopt=nodev', 'overlay.imagestore=/s']\n"
        "[crio.runtime]\nseccomp_profile = '/crio.json'\ntimezone = 'Local'\n",
        seccomp_profile="/mine.json",
    )
    assert (said.seccomp_profile, said.timezone) == ("/crio.json", "local")
    assert said.storage_options["overlay"] == {"mountopt": "nodev"}
    assert said.additional_image_stores == ("/s",)
    assert settings(tmp_path, "[crio]\nimagestore = '/s'\n").image_store == "/s"
    kept = [
        settings(tmp_path, text, image_store="/s").image_store
        for text in ("", "[crio]\nroot='/r'\n")
    ]
    assert kept == ["/s", ""], "storage.conf's is that of the root it goes with"


def test_pods_join_the_first_network_of_the_directory_or_one_that_is_named(tmp_path: Path) -> None:
    found = settings(tmp_path, "")
    assert (found.default_network, found.network_config_dirs) == ("", ("/etc/cni/net.d/",))
    mine = {"default_network": "mine", "network_config_dirs": ("/mine",)}
    found = settings(tmp_path, "", **mine)
    assert (found.default_network, found.network_config_dirs) == ("mine", ("/mine",))
    text = "[crio.network]\nnetwork_dir = '/x'\ncni_default_network = 'podman'\n"
    found = settings(tmp_path, text, **mine)
    assert (found.default_network, found.network_config_dirs) == ("podman", ("/x",))


def test_the_store_of_crio_is_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "storage"
    (root / "overlay-images").mkdir(parents=True)
    with pytest.raises(SettingsError, match=r"crio.conf: crio.root: .* is a store of CRI-O"):
        settings(tmp_path, f"[crio]\nroot = '{root}'\n")


def test_a_reload_leaves_what_needs_a_start(tmp_path: Path) -> None:
    old = make(Settings(), configured(tmp_path, "[crio.api]\nstream_port = '1'\n"))
    base = Settings(graph_root="/other", seccomp_profile="/new.json")
    text = "[crio]\nroot = '/moved'\n[crio.network]\nnetwork_dir = '/net'\n"
    found, waiting = reloaded(old, make(base, configured(tmp_path, text)))
    assert set(waiting) == {"crio.root", "crio.api.stream_port"}
    assert found.settings.graph_root == Settings().graph_root
    assert found.settings.seccomp_profile == "/new.json"
    assert found.settings.network_config_dirs == ("/net",)
    assert found.config.text("crio.api.stream_port") == "1"
    again, waiting = reloaded(found, make(base, configured(tmp_path, text)))
    assert again.settings == found.settings


def test_the_page_of_keys_is_as_it_is_made() -> None:
    assert crio_page.PAGE.read_text() == crio_page.page(), "python -m devtools.crio_page"
