"""Each option's effect on the spec: a table, without a container."""

from __future__ import annotations

from typing import Any

import pytest

from rundlet.core.containers.request import ContainerRequest, Device, Mount, Resources
from rundlet.core.contracts.runtime import RuntimeConfig
from rundlet.core.contracts.storage import IdMap
from rundlet.core.errors import InvalidArgument, NotSupported, RundletError
from rundlet.core.settings.snapshot import Settings
from rundlet.core.spec.capabilities import ALL, DEFAULT
from rundlet.core.spec.generate import SpecPlan, generate

from .plans import BARE, FULL, V1, V2, WEAK, Make, at

R = Resources
CASES: list[tuple[str, dict[str, Any], str, Any]] = [
    # name, request and plan fields, path in the spec, expected value
    ("cwd default", {}, "process.cwd", "/"),
    ("cwd of image", {"image": {"WorkingDir": "/srv"}}, "process.cwd", "/srv"),
    ("-w", {"workdir": "/tmp", "image": {"WorkingDir": "/srv"}}, "process.cwd", "/tmp"),
    ("-t", {"terminal": True}, "process.terminal", True),
    ("no -t", {}, "process.terminal", None),
    (
        "console size",
        {"terminal": True, "console": (24, 80)},
        "process.consoleSize",
        {"height": 24, "width": 80},
    ),
    ("umask default", {}, "process.user.umask", 0o022),
    ("--umask", {"umask": "0077"}, "process.user.umask", 0o077),
    ("--user name", {"user": "www"}, "process.user.uid", 33),
    ("--user name: groups", {"user": "www"}, "process.user.additionalGids", [33, 29]),
    ("--user name:group", {"user": "www:video"}, "process.user.gid", 44),
    ("--user with group: no others", {"user": "odd:70"}, "process.user.additionalGids", [70]),
    ("--user number unknown", {"user": "1234"}, "process.user.gid", 0),
    ("--user number known", {"user": "50"}, "process.user.gid", 60),
    ("image user", {"image": {"User": "www:audio"}}, "process.user.gid", 29),
    ("--group-add", {"group_add": ("empty", "900")}, "process.user.additionalGids", [0, 70, 900]),
    ("--hostname", {}, "hostname", "box"),
    ("--uts host: no hostname", {"uts": "host"}, "hostname", None),
    ("--read-only", {"read_only": True}, "root.readonly", True),
    ("root", {}, "root.readonly", None),
    ("no new privileges", {"no_new_privileges": True}, "process.noNewPrivileges", True),
    (
        "no new privileges as security-opt",
        {"security_options": ("no-new-privileges",)},
        "process.noNewPrivileges",
        True,
    ),
    (
        "no-new-privileges:true",
        {"security_options": ("no-new-privileges:true",)},
        "process.noNewPrivileges",
        True,
    ),
    ("--oom-score-adj", {"oom_score_adj": -500}, "process.oomScoreAdj", -500),
    ("no oom-score-adj", {}, "process.oomScoreAdj", None),
    ("capabilities", {}, "process.capabilities.effective", sorted(DEFAULT)),
    ("no ambient for root", {}, "process.capabilities.ambient", None),
    (
        "--cap-drop ALL",
        {"cap_drop": ("all",)},
        "process.capabilities.bounding",
        [],
    ),
    (
        "--cap-drop ALL --cap-add chown",
        {"cap_drop": ("ALL",), "cap_add": ("chown",)},
        "process.capabilities.permitted",
        ["CAP_CHOWN"],
    ),
    (
        "--cap-add ALL",
        {"cap_add": ("ALL",)},
        "process.capabilities.bounding",
        sorted(ALL),
    ),
    ("--privileged", {"privileged": True}, "process.capabilities.bounding", sorted(ALL)),
    (
        "--privileged where the runtime gives no devices",
        {
            "privileged": True,
            "runtime_config": RuntimeConfig("", privileged_without_host_devices=True),
        },
        "linux.devices",
        None,
    ),
    (
        "and no rule for them",
        {
            "privileged": True,
            "runtime_config": RuntimeConfig("", privileged_without_host_devices=True),
        },
        "linux.resources.devices",
        [{"allow": False, "access": "rwm"}],
    ),
    ("user: nothing in effect", {"user": "www"}, "process.capabilities.effective", []),
    (
        "user --cap-add",
        {"user": "www", "cap_add": ("CAP_NET_RAW",)},
        "process.capabilities.ambient",
        ["CAP_NET_RAW"],
    ),
    (
        "default capabilities of settings",
        {"settings": Settings(default_capabilities=("KILL",))},
        "process.capabilities.bounding",
        ["CAP_KILL"],
    ),
    ("--memory", {"resources": R(memory=1 << 30)}, "linux.resources.memory.limit", 1 << 30),
    ("swap is twice", {"resources": R(memory=1 << 30)}, "linux.resources.memory.swap", 1 << 31),
    (
        "--memory-swap -1",
        {"resources": R(memory=1 << 30, memory_swap=-1)},
        "linux.resources.memory.swap",
        -1,
    ),
    (
        "--memory-reservation",
        {"resources": R(memory_reservation=1 << 20)},
        "linux.resources.memory.reservation",
        1 << 20,
    ),
    (
        "--memory-swappiness v1",
        {"layout": V1, "resources": R(memory_swappiness=7)},
        "linux.resources.memory.swappiness",
        7,
    ),
    ("--cpus", {"resources": R(cpus=1.5)}, "linux.resources.cpu.quota", 150000),
    ("--cpus period", {"resources": R(cpus=0.5)}, "linux.resources.cpu.period", 100000),
    ("--cpu-shares", {"resources": R(cpu_shares=512)}, "linux.resources.cpu.shares", 512),
    ("--cpuset-cpus", {"resources": R(cpuset_cpus="0-1")}, "linux.resources.cpu.cpus", "0-1"),
    ("pids default", {}, "linux.resources.pids.limit", 2048),
    ("--pids-limit", {"resources": R(pids_limit=9)}, "linux.resources.pids.limit", 9),
    ("--pids-limit -1", {"resources": R(pids_limit=-1)}, "linux.resources.pids", None),
    ("--pids-limit 0", {"resources": R(pids_limit=0)}, "linux.resources.pids", None),
    ("--blkio-weight", {"resources": R(blkio_weight=200)}, "linux.resources.blockIO.weight", 200),
    (
        "--cgroup-conf",
        {"resources": R(unified={"memory.high": "1"})},
        "linux.resources.unified",
        {"memory.high": "1"},
    ),
    (
        "hugepages",
        {"resources": R(hugepages={"2MB": 4194304})},
        "linux.resources.hugepageLimits.0.limit",
        4194304,
    ),
    ("devices denied", {}, "linux.resources.devices.0", {"allow": False, "access": "rwm"}),
    (
        "--device",
        {"devices": (Device("/dev/null", "/dev/nil", "r"),)},
        "linux.devices.0.path",
        "/dev/nil",
    ),
    (
        "--device rule",
        {"devices": (Device("/dev/null", "/dev/nil", "r"),)},
        "linux.resources.devices.1",
        {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "r"},
    ),
    (
        "--device-cgroup-rule",
        {"resources": R(device_cgroup_rules=("c 42:* rw",))},
        "linux.resources.devices.1",
        {"allow": True, "type": "c", "major": 42, "access": "rw"},
    ),
    (
        "--sysctl",
        {"sysctls": {"net.ipv4.ip_forward": "1"}},
        "linux.sysctl",
        {"net.ipv4.ping_group_range": "0 0", "net.ipv4.ip_forward": "1"},
    ),
    ("default sysctl not in host network", {"network_namespace": None}, "linux.sysctl", None),
    (
        "default sysctl not in another's network",
        {"network": "container:x", "network_namespace": "/run/netns/x"},
        "linux.sysctl",
        None,
    ),
    (
        "the node's seccomp profile is not for privileged containers",
        {"privileged": True, "settings": Settings(seccomp_profile="/nowhere.json")},
        "linux.seccomp",
        None,
    ),
    ("cgroupfs path", {}, "linux.cgroupsPath", f"/rundlet/ctr-{'c' * 64}"),
    (
        "--cgroup-parent",
        {"cgroup_parent": "/jobs"},
        "linux.cgroupsPath",
        f"/jobs/ctr-{'c' * 64}",
    ),
    (
        "systemd manager",
        {"layout": V2.replace(manager="systemd")},
        "linux.cgroupsPath",
        f"machine.slice:rundlet:{'c' * 64}",
    ),
    (
        "systemd manager --cgroup-parent",
        {"layout": V2.replace(manager="systemd"), "cgroup_parent": "jobs.slice"},
        "linux.cgroupsPath",
        f"jobs.slice:rundlet:{'c' * 64}",
    ),
    ("given cgroup", {"cgroup": "/kube/x"}, "linux.cgroupsPath", "/kube/x"),
    ("masked when privileged", {"privileged": True}, "linux.maskedPaths", None),
    ("read-only when privileged", {"privileged": True}, "linux.readonlyPaths", None),
    ("seccomp when privileged", {"privileged": True}, "linux.seccomp", None),
    (
        "seccomp=unconfined",
        {"security_options": ("seccomp=unconfined",)},
        "linux.seccomp",
        None,
    ),
    ("seccomp default", {}, "linux.seccomp.defaultErrnoRet", 38),
    (
        "uid maps",
        {"uid_map": (IdMap(0, 100000, 65536),)},
        "linux.gidMappings.0",
        {"containerID": 0, "hostID": 100000, "size": 65536},
    ),
    (
        "rshared mount",
        {"mounts": (Mount("bind", "/m", "/tmp", ("rshared",)),)},
        "linux.rootfsPropagation",
        "shared",
    ),
    (
        "rslave mount",
        {"mounts": (Mount("bind", "/m", "/tmp", ("rslave",)),)},
        "linux.rootfsPropagation",
        "rslave",
    ),
    ("propagation", {}, "linux.rootfsPropagation", None),
    ("--annotation", {"annotations": {"a": "b"}}, "annotations.a", "b"),
    (
        "settings' annotation",
        {"settings": Settings(annotations=("run.oci.x=1=2",))},
        "annotations",
        None,
    ),
    ("group keep-groups", {"group_add": ("keep-groups",)}, "annotations", None),
]


@pytest.mark.parametrize(
    ("fields", "path", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_option(plan: Make, fields: dict[str, Any], path: str, expected: Any) -> None:
    spec = generate(plan(**fields)).spec
    if path == "annotations":  # keys with dots
        wanted = {"run.oci.x": "1=2"} if "settings" in fields else {}
        wanted = wanted or {"run.oci.keep_original_groups": "1"}
        assert wanted.items() <= spec["annotations"].items()
    else:
        assert at(spec, path) == expected


def test_annotations_that_the_runtime_does_not_allow_are_left_out(plan: Make) -> None:
    runtime = RuntimeConfig(
        "",
        allowed_annotations=("io.kubernetes.cri-o.Devices",),
        default_annotations={"free": "runtime's", "other": "runtime's"},
    )
    said = {
        "io.kubernetes.cri-o.Devices": "/dev/fuse",
        "io.kubernetes.cri-o.umask": "0",
        "free": "user's",
    }
    made = plan(runtime_config=runtime)
    made = made.replace(request=made.request.replace(annotations=said))
    generated = generate(made)
    found = generated.spec["annotations"]
    assert found["io.kubernetes.cri-o.Devices"] == "/dev/fuse"
    assert "io.kubernetes.cri-o.umask" not in found
    assert (found["free"], found["other"]) == ("user's", "runtime's")
    assert any("io.kubernetes.cri-o.umask" in warning for warning in generated.warnings)
    free = made.replace(runtime_config=RuntimeConfig(""))
    everything = generate(free).spec["annotations"]
    assert said.items() <= everything.items()


ERRORS: list[tuple[str, dict[str, Any], type[RundletError], str]] = [
    ("nothing to run", {"command": None}, InvalidArgument, "no command or entrypoint"),
    ("unknown user", {"user": "ghost"}, InvalidArgument, "unable to find user ghost"),
    ("unknown group", {"user": "www:ghost"}, InvalidArgument, "unable to find group ghost"),
    ("unknown group-add", {"group_add": ("ghost",)}, InvalidArgument, "group ghost"),
    ("uid too large", {"user": "4294967295"}, InvalidArgument, "ids end"),
    ("relative workdir", {"workdir": "srv"}, InvalidArgument, "not an absolute path"),
    ("umask", {"umask": "9"}, InvalidArgument, "umask"),
    ("capability", {"cap_add": ("FLY",)}, InvalidArgument, "FLY"),
    ("cap twice", {"cap_add": ("KILL",), "cap_drop": ("kill",)}, InvalidArgument, "CAP_KILL"),
    ("ulimit name", {"ulimits": ("speed=1",)}, InvalidArgument, "speed"),
    ("ulimit order", {"ulimits": ("nofile=5:4",)}, InvalidArgument, "soft limit"),
    ("ulimit number", {"ulimits": ("nofile=x",)}, InvalidArgument, "no number"),
    ("oom range", {"oom_score_adj": 1001}, InvalidArgument, "1000"),
    ("sysctl", {"sysctls": {"vm.swappiness": "1"}}, InvalidArgument, "vm.swappiness"),
    (
        "sysctl of the host",
        {"sysctls": {"net.core.somaxconn": "1"}, "network_namespace": None},
        InvalidArgument,
        "network namespace set to host",
    ),
    (
        "ipc sysctl of the host",
        {"sysctls": {"kernel.shmmax": "1"}, "ipc": "host"},
        InvalidArgument,
        "ipc namespace set to host",
    ),
    ("memory minimum", {"resources": R(memory=4096)}, InvalidArgument, "minimum"),
    ("swap alone", {"resources": R(memory_swap=1 << 30)}, InvalidArgument, "--memory"),
    (
        "swap below memory",
        {"resources": R(memory=1 << 30, memory_swap=1 << 20)},
        InvalidArgument,
        "larger",
    ),
    ("cpus and quota", {"resources": R(cpus=1, cpu_quota=5)}, InvalidArgument, "--cpus"),
    (
        "cgroup-conf on v1",
        {"layout": V1, "resources": R(unified={"a": "b"})},
        InvalidArgument,
        "cgroups v2",
    ),
    ("blkio-weight", {"resources": R(blkio_weight=1)}, InvalidArgument, "10 to 1000"),
    ("throttle", {"resources": R(device_read_bps=("/dev/null:1mb",))}, InvalidArgument, "block"),
    ("device rule", {"resources": R(device_cgroup_rules=("x",))}, InvalidArgument, "malformed"),
    ("device missing", {"devices": (Device("/dev/no"),)}, InvalidArgument, "no such file"),
    ("device file", {"devices": (Device("/etc/passwd"),)}, InvalidArgument, "not a device"),
    ("device mode", {"devices": (Device("/dev/null", "", "x"),)}, InvalidArgument, "permissions"),
    ("namespace mode", {"pid": "mine"}, InvalidArgument, "not a namespace mode"),
    ("namespace of nobody", {"ipc": "container:x"}, InvalidArgument, "not there"),
    ("userns auto", {"userns": "auto"}, NotSupported, "auto"),
    ("userns without maps", {"userns": "private"}, InvalidArgument, "id maps"),
    ("security-opt", {"security_options": ("fly",)}, InvalidArgument, "fly"),
    ("seccomp file", {"security_options": ("seccomp=/no",)}, InvalidArgument, "/no"),
    ("apparmor", {"security_options": ("apparmor=x",)}, InvalidArgument, "AppArmor is disabled"),
    ("slice with cgroupfs", {"cgroup_parent": "a.slice"}, InvalidArgument, "slice"),
    (
        "no slice with systemd",
        {"layout": V2.replace(manager="systemd"), "cgroup_parent": "/a"},
        InvalidArgument,
        "slice",
    ),
    ("parent ..", {"cgroup_parent": "/a/../../b"}, InvalidArgument, "'..'"),
    ("init missing", {"init": True}, InvalidArgument, "catatonit"),
    ("mount on /", {"mounts": (Mount("bind", "/", "/tmp"),)}, InvalidArgument, "container's /"),
    ("mount relative", {"mounts": (Mount("bind", "a", "/tmp"),)}, InvalidArgument, "absolute"),
    ("mount source", {"mounts": (Mount("bind", "/a", "vol"),)}, InvalidArgument, "absolute"),
    (
        "mount option",
        {"mounts": (Mount("bind", "/a", "/tmp", ("fast",)),)},
        InvalidArgument,
        "fast",
    ),
    (
        "mount contradiction",
        {"mounts": (Mount("bind", "/a", "/tmp", ("ro", "rw")),)},
        InvalidArgument,
        "contradict",
    ),
    ("overlay volume", {"mounts": (Mount("bind", "/a", "/tmp", ("O",)),)}, NotSupported, ":O"),
]


@pytest.mark.parametrize(
    ("fields", "kind", "words"), [case[1:] for case in ERRORS], ids=[case[0] for case in ERRORS]
)
def test_error_names_the_thing(
    plan: Make, fields: dict[str, Any], kind: type[RundletError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        generate(plan(**fields))
    assert words in str(caught.value)


WARNINGS: list[tuple[str, dict[str, Any], str]] = [
    ("no memory controller", {"layout": BARE, "resources": R(memory=1 << 30)}, "memory limits"),
    ("no cpu controller", {"layout": BARE, "resources": R(cpus=1)}, "cpu limits"),
    ("no cpuset", {"layout": BARE, "resources": R(cpuset_cpus="0")}, "cpuset limits"),
    ("no pids controller", {"layout": BARE, "resources": R(pids_limit=5)}, "pids limits"),
    (
        "no swap accounting",
        {"layout": V1, "resources": R(memory=1 << 30, memory_swap=1 << 31)},
        "swap",
    ),
    ("swappiness on v2", {"resources": R(memory_swappiness=1)}, "swappiness"),
    ("oom-kill on v2", {"resources": R(oom_kill_disable=True)}, "oom-kill-disable"),
    ("realtime on v2", {"resources": R(cpu_rt_runtime=1)}, "realtime"),
    ("ulimit", {"host": WEAK, "ulimits": ("nofile=9999",)}, "lowered to 4096:4096"),
    ("oom score", {"host": WEAK, "oom_score_adj": -1}, "raised to 0"),
    (
        "capability we lack",
        {"host": FULL.replace(capabilities=DEFAULT), "cap_add": ("SYS_TIME",)},
        "CAP_SYS_TIME",
    ),
]


@pytest.mark.parametrize(
    ("fields", "words"), [case[1:] for case in WARNINGS], ids=[case[0] for case in WARNINGS]
)
def test_what_cannot_be_done_is_a_warning(plan: Make, fields: dict[str, Any], words: str) -> None:
    found = generate(plan(**fields)).warnings
    assert any(words in text for text in found), found


def test_defaults_warn_of_nothing(plan: Make) -> None:
    assert generate(plan()).warnings == ()
    assert generate(plan(layout=BARE, host=WEAK)).warnings == ()


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({}, {"pid", "network", "ipc", "uts", "mount", "cgroup"}),
        ({"layout": V1}, {"pid", "network", "ipc", "uts", "mount"}),
        ({"layout": V1, "cgroup": "private"}, {"pid", "network", "ipc", "uts", "mount", "cgroup"}),
        ({"pid": "host"}, {"network", "ipc", "uts", "mount", "cgroup"}),
        ({"network_namespace": None}, {"pid", "ipc", "uts", "mount", "cgroup"}),
        ({"ipc": "host", "uts": "host"}, {"pid", "network", "mount", "cgroup"}),
        (
            {"uid_map": (IdMap(0, 1, 1),)},
            {"pid", "network", "ipc", "uts", "mount", "cgroup", "user"},
        ),
    ],
)
def test_namespaces(rootfs: str, fields: dict[str, Any], kinds: set[str]) -> None:
    of_request = {k: v for k, v in fields.items() if k not in ("layout", "network_namespace")}
    of_plan = {k: v for k, v in fields.items() if k in ("layout", "network_namespace")}
    request = ContainerRequest(command=("x",), **of_request)
    made = SpecPlan(request, "c", rootfs, **{"layout": V2, **of_plan})
    assert {row["type"] for row in generate(made).spec["linux"]["namespaces"]} == kinds


def test_namespaces_to_join(plan: Make) -> None:
    made = plan(
        pid="container:x",
        ipc="ns:/run/ipc",
        network_namespace="/run/netns/a",
        namespaces={"pid": "/proc/7/ns/pid"},
    )
    rows = {row["type"]: row.get("path") for row in generate(made).spec["linux"]["namespaces"]}
    assert rows["pid"] == "/proc/7/ns/pid"
    assert rows["ipc"] == "/run/ipc"
    assert rows["network"] == "/run/netns/a"
    assert rows["uts"] is None


def test_a_spec_is_json(plan: Make) -> None:
    import json

    spec = generate(plan(privileged=True, user="www", cap_add=("ALL",))).spec
    assert json.loads(json.dumps(spec)) == spec


def test_labels_are_given_where_the_kernel_has_selinux(plan: Make) -> None:
    options = ("label=type:mine_t", "label=level:s0:c3")
    for host, process in ((FULL, None), (FULL.replace(selinux=True), "mine_t:s0:c3")):
        spec = generate(plan(security_options=options, host=host)).spec
        assert str(spec["process"].get("selinuxLabel")).endswith(str(process))
        assert ("mountLabel" in spec["linux"]) == host.selinux
    host = FULL.replace(selinux=True)
    spec = generate(plan(security_options=options, privileged=True, host=host)).spec
    assert "selinuxLabel" not in spec["process"]
