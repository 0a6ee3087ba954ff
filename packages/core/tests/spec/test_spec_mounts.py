"""The mounts of a spec: podman's, the user's, and what is masked."""

from __future__ import annotations

from pathlib import Path

from rundlet.core.containers.request import Mount
from rundlet.core.contracts.storage import IdMap
from rundlet.core.spec.generate import generate

from .plans import Make, mount, variables


def test_masked_and_unmasked_paths(plan: Make) -> None:
    def masked(*options: str) -> set[str]:
        return set(generate(plan(security_options=options)).spec["linux"].get("maskedPaths", ()))

    assert {"/proc/kcore", "/sys/firmware"} <= masked()
    assert masked("unmask=ALL") == set()
    assert masked("systempaths=unconfined") == set()
    assert "/proc/kcore" not in masked("unmask=/proc/kcore:/proc/keys")
    assert not any(path.startswith("/proc/") for path in masked("unmask=/proc/*"))
    assert "/secret" in masked("mask=/secret:/other")
    spec = generate(plan(security_options=("unmask=/proc/sys",))).spec
    assert "/proc/sys" not in spec["linux"]["readonlyPaths"]


def test_podmans_mounts(plan: Make) -> None:
    spec = generate(plan(files={"/etc/hosts": "/run/x/hosts"}, shm="/run/x/shm")).spec
    order = [entry["destination"] for entry in spec["mounts"]]
    assert order.index("/dev") < order.index("/dev/pts")
    assert order.index("/sys") < order.index("/sys/fs/cgroup")
    assert mount(spec, "/sys")["options"][-1] == "ro"
    assert "ro" in mount(spec, "/sys/fs/cgroup")["options"]
    assert mount(spec, "/dev/shm")["source"] == "/run/x/shm"
    assert mount(spec, "/etc/hosts")["options"] == ["bind", "rprivate"]
    assert "gid=5" in mount(spec, "/dev/pts")["options"]


def test_shm_without_a_host_directory_has_its_size(plan: Make) -> None:
    assert "size=65536000" in mount(generate(plan()).spec, "/dev/shm")["options"]
    assert "size=1024" in mount(generate(plan(shm_size=1024)).spec, "/dev/shm")["options"]
    assert mount(generate(plan(ipc="host")).spec, "/dev/shm")["source"] == "/dev/shm"
    mounts = generate(plan(ipc="none")).spec["mounts"]
    assert "/dev/shm" not in [entry["destination"] for entry in mounts]


def test_privileged_mounts_are_writable(plan: Make) -> None:
    spec = generate(plan(privileged=True)).spec
    assert "rw" in mount(spec, "/sys")["options"]
    assert "rw" in mount(spec, "/sys/fs/cgroup")["options"]
    assert spec["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    assert not any(entry["path"].startswith("/dev/pts/") for entry in spec["linux"]["devices"])


def test_a_user_namespace_of_few_groups_has_no_tty_group(plan: Make) -> None:
    spec = generate(plan(uid_map=(IdMap(0, 1000, 1),))).spec
    assert "gid=5" not in mount(spec, "/dev/pts")["options"]


def test_user_mounts(plan: Make, tmp_path: Path) -> None:
    source = str(tmp_path)
    made = plan(
        mounts=(
            Mount("bind", "/b/", source, ("ro", "z")),
            Mount("volume", "/v", source),
            Mount("volume", "/w", source, ("exec", "suid", "dev")),
            Mount("tmpfs", "/t", "", ("size=1m", "noexec")),
            Mount("image", "/i", source),
            Mount("bind", "/n", source, ("bind-propagation=shared", "readonly=true", "U")),
        )
    )
    spec = generate(made).spec
    assert {"ro", "rprivate", "rbind"} <= set(mount(spec, "/b")["options"])
    assert "z" not in mount(spec, "/b")["options"]
    assert {"rw", "nosuid", "nodev", "rprivate", "rbind"} <= set(mount(spec, "/v")["options"])
    assert not {"nosuid", "nodev", "suid", "exec"} & set(mount(spec, "/w")["options"])
    assert set(mount(spec, "/t")["options"]) == {
        "size=1m",
        "noexec",
        "rw",
        "nosuid",
        "nodev",
        "rprivate",
        "tmpcopyup",
    }
    assert "ro" in mount(spec, "/i")["options"]
    assert {"ro", "shared"} <= set(mount(spec, "/n")["options"])
    assert "rprivate" not in mount(spec, "/n")["options"]


def test_user_mounts_replace_podmans(plan: Make) -> None:
    made = plan(
        mounts=(Mount("bind", "/dev", "/dev"), Mount("bind", "/etc/hosts", "/tmp/h")),
        files={"/etc/hosts": "/run/x/hosts"},
    )
    spec = generate(made).spec
    assert mount(spec, "/etc/hosts")["source"] == "/tmp/h"
    assert [m for m in spec["mounts"] if m["destination"].startswith("/dev/")] == []


def test_read_only_root_has_writable_temporaries(plan: Make) -> None:
    spec = generate(plan(read_only=True)).spec
    for path in ("/run", "/tmp", "/var/tmp"):
        assert mount(spec, path)["type"] == "tmpfs"
    strict = generate(plan(read_only=True, read_only_tmpfs=False)).spec
    assert not any(m["destination"] == "/tmp" for m in strict["mounts"])
    assert "ro" in mount(strict, "/dev")["options"]


def test_systemd_gets_what_it_wants(plan: Make) -> None:
    spec = generate(plan(systemd=True)).spec
    assert mount(spec, "/run/lock")["type"] == "tmpfs"
    assert "rw" in mount(spec, "/sys/fs/cgroup")["options"]
    assert variables(spec)["container_uuid"] == "c" * 32
