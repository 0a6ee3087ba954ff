"""The flags of `run`, each seen from inside a container of a real runtime."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devtools.tool import Rundlet

Run = Callable[..., str]


@pytest.fixture
def run(loaded: Rundlet) -> Run:
    """`run --rm --network none FLAGS busybox sh -c SCRIPT`; what it prints."""

    def call(*flags: str, script: str) -> str:
        words = ("run", "--rm", "--network", "none", *flags, "busybox", "sh", "-c", script)
        return loaded(*words).stdout.strip()

    return call


def fails(tool: Rundlet, *flags: str, says: str, code: int = 125) -> None:
    done = tool("run", "--rm", "--network", "none", *flags, "busybox", "true", check=False)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert tool("ps", "-aq").stdout == ""


SEEN = (
    (("-u", "1000:7", "--group-add", "9"), "id", "uid=1000(1000) gid=7(7) groups=7(7),9"),
    (("-u", "12"), "id -u; id -g", "12\n0"),
    (("-w", "/tmp"), "pwd", "/tmp"),
    (("-e", "A=1", "--env", "B=x y"), 'echo "$A$B"', "1x y"),
    (("--unsetenv", "TERM", "-e", "A=b"), "env | grep -c ^TERM= || true", "0"),
    (("--hostname", "hh"), "hostname; cat /etc/hostname; echo $HOSTNAME", "hh\nhh\nhh"),
    (("--add-host", "a:1.2.3.4"), "grep -w a /etc/hosts", "1.2.3.4\ta"),
    (("--no-hosts",), "grep -c containers.internal /etc/hosts 2>&1 | tail -c 2", "y"),
    (("--tmpfs", "/t:size=1m,mode=700"), "stat -c %a /t; df /t | tail -1 | awk '{print $2}'",
     "700\n1024"),
    (("--read-only",), "touch /a 2>/dev/null || echo no; touch /tmp/a /run/a && echo yes",
     "no\nyes"),
    (("--read-only", "--read-only-tmpfs=false"),
     "for i in /tmp /dev /dev/shm /run; do touch $i/a 2>/dev/null || echo no; done",
     "no\nno\nno\nno"),
    (("--read-only",),
     "for i in /etc/hosts /etc/hostname /run/.containerenv; do echo 2>&- >>$i || echo no; done",
     "no\nno\nno"),
    (("--cap-drop", "all", "--cap-add", "net_raw"), "grep CapEff /proc/self/status",
     "CapEff:\t0000000000002000"),
    (("--security-opt", "no-new-privileges"), "grep NoNewPrivs /proc/self/status",
     "NoNewPrivs:\t1"),
    (("--security-opt", "seccomp=unconfined"), "grep Seccomp: /proc/self/status", "Seccomp:\t0"),
    ((), "grep Seccomp: /proc/self/status", "Seccomp:\t2"),
    (("--device", "/dev/null:/dev/mine:r"), "stat -c %F /dev/mine", "character special file"),
    (("--sysctl", "net.ipv4.ip_forward=1"), "cat /proc/sys/net/ipv4/ip_forward", "1"),
    (("--ulimit", "nofile=512:1024"), "ulimit -Sn; ulimit -Hn", "512\n1024"),
    (("--umask", "077"), "umask", "0077"),
    (("--tz", "Asia/Kolkata"), "date +%Z", "IST"),
    (("--shm-size", "2m"), "df /dev/shm | tail -1 | awk '{print $2}'", "2048"),
    (("--init",), "cat /proc/1/comm", "podman-init"),
    (("--entrypoint", '["echo","one"]'), "two", "one sh -c two"),
    (("--personality", "linux32"), "uname -m", "i686"),
    (("--no-hostname",), "test -s /etc/hostname || echo none", "none"),
    (("--mount", "type=tmpfs,dst=/t,tmpfs-size=1m"), "grep -c ' /t tmpfs' /proc/mounts", "1"),
    (("--mount", "type=image,src=busybox,dst=/i"), "test -x /i/bin/sh && echo there", "there"),
    (("--mount", "type=image,src=busybox,dst=/i"), "touch /i/x 2>&1 | grep -c Read-only", "1"),
    (("--mount", "type=image,src=busybox,dst=/i,rw=true"), "touch /i/x && echo written", "written"),
    (("--mount", "type=image,src=busybox,dst=/i,subpath=bin"), "test -x /i/sh && echo there",
     "there"),
    (("--mount", "type=glob,src=/etc/host*,dst=/g"), "test -f /g/hosts && echo there", "there"),
    (("--mount", "type=glob,src=/etc/host*"), "grep -c ' /etc/hosts ' /proc/mounts", "1"),
    (("--device-cgroup-rule", "c 7 r"), "echo well", "well"),
    (("--systemd", "always", "--shm-size-systemd", "2m"),
     "df /run | tail -1 | awk '{print $2}'; echo ${#container_uuid}", "2048\n32"),
    (("--systemd", "true"), "grep -c ' /run/lock ' /proc/mounts || true", "0"),
    (("--log-driver", "passthrough"), "echo hi", "hi"),
    (("-v", "/etc:/e:ro,idmap"), "stat -c %u /e/passwd", "0"),
    (("-v", "runs:/run"), "test -e /run/.containerenv || echo none", "none"),
    (("-w", "/far", "-v", "/etc:/far/away"), "test -e away/passwd && pwd", "/far"),
    (("--device-cgroup-rule", "a 7 rwm"), "echo ok", "ok"),
    ((), "readlink /etc/mtab; rm /etc/mtab", "/proc/mounts"),
    (("-v", "/data"), "touch /data/a && grep -c ' /data ' /proc/mounts", "1"),
    (("-v", "named:/data:nocopy,z"), "touch /data/a && echo ok", "ok"),
    (("-v", "filled:/bin"), "test -x /bin/sh && echo copied", "copied"),
)  # fmt: skip


@pytest.mark.parametrize(("flags", "script", "seen"), SEEN, ids=lambda value: str(value)[:40])
def test_flag_is_seen_inside(run: Run, flags: tuple[str, ...], script: str, seen: str) -> None:
    assert run(*flags, script=script) == seen


WRONG = (
    (("--ulimit", "nofile"), "ulimit"),
    (("--sysctl", "kernel.panic=1"), "not allowed"),
    (("--cap-add", "nope"), "nope"),
    (("-w", "relative"), "relative"),
    (("-v", "/no/such/place:/x"), "statfs /no/such/place: no such file or directory"),
    (("-v", "relative/x"), "absolute path"),
    (("-v", "nope:/x:nocreate"), 'no volume with name "nope" found'),
    (("--mount", "type=volume,src=nope,dst=/x,nocreate"), 'no volume with name "nope" found'),
    (("--mount", "type=image,src=nope,dst=/x"), "nope"),
    (("--mount", "type=glob,src=/no/such*,dst=/x"), "no file paths matching glob"),
    (("--mount", "type=bind,dst=/x"), "must set source"),
    (("--mount", "type=strange,dst=/x"), "invalid filesystem type"),
    (("--mount", "type=devpts,dst=/x,foo"), "invalid mount option 'foo'"),
    (("--log-opt", "log-rotate=no"), "log-rotate=no"),
    (("--pull", "always", "--creds", "me"), "could not read password from terminal"),
    (("--health-max-log-count", "-1"), "invalid syntax"),
    (("--sdnotify", "healthy"), 'sdnotify policy "healthy" requires a healthcheck'),
    (("--health-cmd", "[]"), "must define a healthcheck command"),
    (("--tz", "Nowhere/City"), "Nowhere/City"),
    (("--secret", "nope"), "nope"),
    (("--secret", "nope,type=strange"), "strange"),
    (("--memory", "12x"), "12x"),
    (("--memory", "1k"), "minimum"),
    (("--device", "/no/such"), "/no/such"),
    (("--security-opt", "seccomp=/no/such"), "/no/such"),
    (("--volumes-from", "nobody"), "nobody"),
    (("--preserve-fds", "1"), "file descriptor 3 is not available"),
    (("--personality", "plan9"), "plan9"),
    (("--hosts-file", "/no/such"), "/no/such"),
    (("--pid", "strange"), "strange"),
    (("--systemd", "maybe"), "maybe"),
    (("--log-driver", "strange"), "invalid log driver"),
    (("--log-opt", "max-file=0"), "max-file"),
    (("--preserve-fd", "7"), "file descriptor 7 is not available"),
    (("--preserve-fd", "x"), "invalid --preserve-fd"),
    (("--requires", "nobody"), "nobody"),
    (("--pid", "container:nobody"), "nobody"),
    (("--userns", "ns:/etc/passwd"), "ns:/etc/passwd"),
    (("--rmi", "--rm=false"), "the --rmi option does not work without --rm"),
    (("--stop-signal", "99"), "valid signals are 1 through 64"),
    (("--name", "a/"), "invalid container name"),
    (("--pod", "x"), "there is no `rundlet pod`"),
)


@pytest.mark.parametrize(("flags", "says"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_value_is_named_and_leaves_nothing(
    loaded: Rundlet, flags: tuple[str, ...], says: str
) -> None:
    fails(loaded, *flags, says=says)


def test_env_files_and_globs(loaded: Rundlet, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("# a comment\n\nA=file\nB=file\nHOSTS\nRF_*\n")
    loaded.environment.update(RF_ONE="1", RF_TWO="2", HOSTS="h")
    words = ("run", "--rm", "--network=none", "--env-file", str(tmp_path / "env"), "-e", "B=flag")
    out = loaded(*words, "busybox", "env").stdout.splitlines()
    assert {"A=file", "B=flag", "HOSTS=h", "RF_ONE=1", "RF_TWO=2"} <= set(out)


def test_dns_options(loaded: Rundlet) -> None:
    flags = ("--dns", "1.2.3.4", "--dns-search", "a.b", "--dns-option", "ndots:2")
    words = ("run", "--rm", "--network", "host", *flags, "busybox", "cat", "/etc/resolv.conf")
    assert loaded(*words).stdout.splitlines() == [
        "search a.b", "nameserver 1.2.3.4", "options ndots:2",
    ]  # fmt: skip


def test_hosts_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("10.9.8.7 base\n")
    text = run("--hosts-file", str(tmp_path / "hosts"), script="cat /etc/hosts")
    assert "10.9.8.7\tbase" in text
    none = run("--hosts-file", "none", script="cat /etc/hosts").splitlines()
    assert none[:2] == ["127.0.0.1\tlocalhost", "::1\tlocalhost"] and len(none) == 4


def test_who_shares_the_names_of_the_host(loaded: Rundlet) -> None:
    words = ("run", "--rm", "--network=host", "--uts=host", "busybox")
    hosts, name = loaded(*words, "tail", "-n", "99", "/etc/hosts", "/etc/hostname").stdout.split(
        "==> /etc/hostname <==\n"
    )
    assert "127.0.0.1\thost.containers.internal" in hosts
    assert name.strip() == os.uname().nodename


def test_a_mode_is_shown_as_docker_shows_it(loaded: Rundlet) -> None:
    loaded("create", "--name", "shared", "--network=host", "busybox")
    loaded("run", "-d", "--name", "alone", "--network=none", "busybox", "sleep", "100")
    shared, alone = (item["NetworkSettings"] for item in json.loads(
        loaded("inspect", "shared", "alone").stdout))  # fmt: skip
    assert shared["Networks"]["host"]["NetworkID"] == "host" and shared["SandboxKey"] == ""
    assert [*alone["Networks"]] == ["none"]
    assert os.stat(alone["SandboxKey"]).st_ino != os.stat("/proc/self/ns/net").st_ino


def test_secrets_are_files_and_variables(loaded: Rundlet, run: Run, tmp_path: Path) -> None:
    (tmp_path / "value").write_text("hush")
    loaded("secret", "create", "pw", str(tmp_path / "value"))
    owned = "source=pw,target=/etc/pw,uid=5,gid=6,mode=0400"
    flags = ("--secret", "pw", "--secret", "pw,type=env,target=PW", "--secret", owned)
    script = "cat /run/secrets/pw; echo $PW; stat -c '%u %g %a' /etc/pw"
    assert run(*flags, script=script) == "hushhush\n5 6 400"


def test_changing_a_secret_does_not_touch_a_container(loaded: Rundlet, tmp_path: Path) -> None:
    (tmp_path / "value").write_text("old")
    loaded("secret", "create", "pw", str(tmp_path / "value"))
    loaded("create", "--name", "c", "--network=none", "--secret", "pw", "busybox", "cat",
           "/run/secrets/pw")  # fmt: skip
    loaded("secret", "rm", "pw")
    assert loaded("start", "-a", "c").stdout == "old"
    loaded("rm", "c")
    assert not list(tmp_path.glob("root/containers/*/secrets"))


def test_volumes_bound_read_only_and_given_to_the_user(run: Run, tmp_path: Path) -> None:
    (tmp_path / "host" / "below").mkdir(parents=True)
    (tmp_path / "host" / "link").symlink_to("/etc/passwd")
    before = os.stat("/etc/passwd").st_uid
    assert run("-v", f"{tmp_path}/host:/h:ro", script="touch /h/a 2>/dev/null || echo no") == "no"
    flags = ("-u", "77:88", "-v", f"{tmp_path}/host:/h:U")
    assert run(*flags, script="stat -c %u:%g /h /h/below; touch /h/a") == "77:88\n77:88"
    assert os.lstat(tmp_path / "host" / "link").st_uid == 77
    assert os.stat("/etc/passwd").st_uid == before


def test_overlays_leave_their_source_as_it_is(loaded: Rundlet, run: Run, tmp_path: Path) -> None:
    for name in ("host", "upper", "work"):
        (tmp_path / name).mkdir()
    (tmp_path / "host/a").write_text("old")
    script = "echo new > /h/a; touch /h/b; cat /h/a; ls /h | wc -l"
    assert run("-v", f"{tmp_path}/host:/h:O", script=script) == "new\n2"
    assert (tmp_path / "host/a").read_text() == "old"
    kept = f"{tmp_path}/host:/h:O,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    run("-v", kept, script=script)
    assert sorted(os.listdir(tmp_path / "upper")) == ["a", "b"]
    assert os.listdir(tmp_path / "host") == ["a"]
    words = ("--name", "c", "-v", f"{tmp_path}/host:/h:O", "--network=none", "busybox")
    loaded("run", *words, "touch", "/h/b")
    assert loaded("start", "-a", "c").returncode == 0
    assert not loaded.mounts()
    loaded("rm", "c")
    fails(loaded, "-v", f"{tmp_path}/host:/h:O,upperdir=/x", says="together")


def test_volumes_from(loaded: Rundlet, run: Run) -> None:
    loaded("run", "--name", "v", "--network=none", "-v", "/data", "busybox", "touch", "/data/a")
    assert run("--volumes-from", "v", script="ls /data; touch /data/b") == "a"
    script = "ls /data; touch /data/c 2>/dev/null || echo no"
    assert run("--volumes-from", "v:ro", script=script) == "a\nb\nno"
    loaded("rm", "-v", "v")
    assert loaded("volume", "ls", "-q").stdout == ""


def test_anonymous_volumes_go_with_the_container(loaded: Rundlet, run: Run) -> None:
    run("-v", "/data", "-v", "kept:/kept", script="true")
    assert loaded("volume", "ls", "-q").stdout == "kept\n"


def test_a_volume_is_the_users_where_the_image_has_no_such_directory(run: Run) -> None:
    script = "touch /new/file; stat -c %u:%g /new"
    assert run("--user", "7:8", "-v", "kept:/new", script=script) == "7:8"
    assert run("--user", "9", "-v", "kept:/new", script="stat -c %u:%g /new") == "7:8"


def test_limits_are_in_the_cgroup(run: Run) -> None:
    if not Path("/sys/fs/cgroup/memory").exists():
        pytest.skip("cgroups v2: the files have other names")
    script = (
        "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes pids/pids.max cpu/cpu.cfs_quota_us"
        " cpu/cpu.shares cpuset/cpuset.cpus"
    )
    flags = ("-m", "64m", "--pids-limit", "33", "--cpus", "0.5", "--cpu-shares", "99")
    assert run(*flags, "--cpuset-cpus", "0", script=script).split() == [
        "67108864", "33", "50000", "99", "0",
    ]  # fmt: skip


def test_ulimit_above_the_hosts_is_lowered_with_a_warning(loaded: Rundlet) -> None:
    words = ("run", "--rm", "--network=none", "--ulimit", "nofile=999999999:999999999")
    done = loaded(*words, "busybox", "sh", "-c", "ulimit -n")
    assert "lowered to" in done.stderr
    assert int(done.stdout) > 0
    loaded("run", "--name", "c", *words[2:3], "--ulimit", "core=-1:-1", "busybox", "true")
    (seen,) = json.loads(loaded("inspect", "-f", "{{json .HostConfig.Ulimits}}", "c").stdout)[:1]
    assert seen == {"Name": "RLIMIT_CORE", "Soft": -1, "Hard": -1}


def test_seccomp_profile_of_the_user(run: Run, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text(
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls":'
        ' [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}'
    )
    script = "mkdir /tmp/a 2>/dev/null || echo no"
    assert run("--security-opt", f"seccomp={profile}", script=script) == "no"


def test_seccomp_profile_of_the_image(loaded: Rundlet, tmp_path: Path) -> None:
    profile = (
        '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":'
        '[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}'
    )
    loaded("create", "--name", "c", "--network=none", "busybox", "true")
    label = f"LABEL io.containers.seccomp.profile='{profile}'"
    loaded("commit", "-q", "--change", label, "c", "own")
    words = ("run", "--rm", "--network=none")
    script = ("own", "sh", "-c", "mkdir /tmp/a 2>/dev/null || echo no")
    assert loaded(*words, "--seccomp-policy", "image", *script).stdout == "no\n"
    assert loaded(*words, *script).stdout == ""


def test_rdt_class_where_the_kernel_has_none(loaded: Rundlet) -> None:
    if Path("/sys/fs/resctrl/schemata").exists():
        pytest.skip("this kernel has resctrl")
    fails(loaded, "--rdt-class", "x", says="no cache allocation")


def test_systemd_mode_by_the_command(loaded: Rundlet) -> None:
    words = ("create", "--network=none", "--name")
    loaded(*words, "c", "busybox", "/sbin/init")
    form = "{{.Config.SystemdMode}} {{.Config.StopSignal}}"
    assert loaded("inspect", "-f", form, "c").stdout == "true 37\n"
    loaded(*words, "d", "--systemd=false", "busybox", "/sbin/init")
    assert loaded("inspect", "-f", "{{.Config.StopSignal}}", "d").stdout == "15\n"


def test_required_containers_are_started_and_kept(loaded: Rundlet) -> None:
    words = ("--network=none", "busybox", "sleep", "100")
    loaded("create", "--name", "below", *words)
    loaded("create", "--name", "base", "--requires", "below", *words)
    loaded("create", "--name", "top", "--pid", "container:base", *words)
    loaded("rename", "base", "renamed")
    loaded("start", "top")
    assert sorted(loaded("ps", "--format", "{{.Names}}").stdout.split()) == [
        "below", "renamed", "top",
    ]  # fmt: skip
    for flags in ((), ("-f",)):
        done = loaded("rm", *flags, "below", check=False)
        assert (done.returncode, "has dependent containers" in done.stderr) == (125, True)
    loaded("rm", "-f", "-t", "0", "below", "renamed", "top")
    assert loaded("ps", "-aq").stdout == ""


def test_labels_and_annotations(loaded: Rundlet, tmp_path: Path) -> None:
    (tmp_path / "labels").write_text("a=file\nb=file\n")
    loaded("create", "--name", "c", "--network=none", "--label-file", str(tmp_path / "labels"),
           "-l", "b=flag", "-l", "alone", "--annotation", "x.y=z", "busybox", "true")  # fmt: skip
    template = '{{index .Config.Labels "a"}}{{index .Config.Labels "b"}}'
    assert loaded("inspect", "--format", template, "c").stdout == "fileflag\n"
    loaded("start", "c")
    template = '{{index .Config.Annotations "x.y"}}'
    assert loaded("inspect", "--format", template, "c").stdout == "z\n"


def test_replace(loaded: Rundlet) -> None:
    words = ("run", "-d", "--replace", "--name", "c", "--network=none", "busybox", "sleep", "100")
    first, second = (loaded(*words).stdout for _ in range(2))
    assert first != second
    assert len(loaded("ps", "-aq").stdout.split()) == 1


def test_names_as_dockers(loaded: Rundlet) -> None:
    loaded("create", "--name", "/c", "busybox")
    flags = ("--filter", "name=^/c$", "--format", "{{.Names}}")
    assert loaded("ps", "-a", *flags).stdout == "c\n"
    assert loaded("rm", "/c").stdout == "/c\n"


def test_without_output_the_id_is_told(loaded: Rundlet) -> None:
    words = ("run", "--name", "c", "--network=none", "-a", "stdin", "busybox", "echo", "hi")
    assert loaded(*words).stdout == loaded("inspect", "-f", "{{.Id}}", "c").stdout


def test_stop_signal_and_timeout(loaded: Rundlet) -> None:
    script = "trap 'exit 9' USR1; trap '' TERM; while :; do sleep 0.05; done"
    for name, flag in (("a", "--stop-signal=USR1"), ("b", "--stop-timeout=1")):
        loaded("run", "-d", "--name", name, "--network=none", flag, "busybox", "sh", "-c", script)
    loaded("exec", "a", "sleep", "0.2")
    said = loaded("stop", "a", "b").stderr
    assert "StopSignal SIGTERM failed to stop container b in 1 seconds" in said
    assert "container a" not in said
    codes = [loaded("wait", name).stdout for name in ("a", "b")]
    assert codes == ["9\n", "137\n"]


def test_timeout_ends_the_container(loaded: Rundlet) -> None:
    words = ("run", "--rm", "--network=none", "--timeout", "1", "busybox", "sleep", "60")
    assert loaded(*words, check=False).returncode == 255  # podman's


def test_oci_hooks(loaded: Rundlet, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    program = {"path": "/bin/sh", "args": ["sh", "-c", f"cat > {tmp_path}/hooked"]}
    document = {
        "version": "1.0.0",
        "hook": program,
        "when": {"annotations": {"^hook$": "^me$"}},
        "stages": ["createRuntime"],
    }
    (hooks / "one.json").write_text(json.dumps(document))
    words = ("--hooks-dir", str(hooks), "run", "--rm", "--network", "none")
    loaded(*words, "busybox", "true")
    assert not (tmp_path / "hooked").exists()
    loaded(*words, "--annotation", "hook=me", "busybox", "true")
    assert json.loads((tmp_path / "hooked").read_text())["status"]
    program["args"] = ["sh", "-c", "sed s/old/new/"]
    (hooks / "one.json").write_text(json.dumps({**document, "stages": ["precreate"]}))
    words += ("--annotation", "hook=me", "busybox", "echo", "old")
    assert loaded(*words).stdout == "new\n"
    program["args"][2] = "echo no; echo why >&2; exit 3"
    for says in ("exited with 3: why", "did not answer with a config.json"):
        (hooks / "one.json").write_text(json.dumps({**document, "stages": ["precreate"]}))
        done = loaded(*words, check=False)
        assert (done.returncode, says in done.stderr) == (126, True), done.stderr
        program["args"][2] = "echo no"
    assert loaded("ps", "-aq").stdout == ""
    (hooks / "one.json").write_text("{")
    done = loaded(*words, "busybox", "true", check=False)
    assert done.returncode == 125 and f"{hooks}/one.json" in done.stderr


def test_what_the_image_lacks(loaded: Rundlet) -> None:
    """podman's run exits with 126; a working directory of the image's own is made instead."""
    fails(loaded, "-u", "nosuch", says="unable to find user nosuch", code=126)
    fails(loaded, "--group-add", "nosuch", says="unable to find group nosuch", code=126)
    fails(loaded, "-w", "/no/such", says='workdir "/no/such" does not exist', code=126)
    fails(loaded, "-w", "/etc/passwd", says="but is not a directory", code=126)
    inside = loaded("run", "--rm", "-v", "/usr:/v:ro", "-w", "/v/bin", "busybox", "pwd")
    assert inside.stdout == "/v/bin\n"
    loaded("create", "--name", "a", "busybox", "true")
    loaded("commit", "-q", "-c", "WORKDIR=/app/x", "-c", "USER=7", "a", "with")
    seen = loaded("run", "--rm", "with", "sh", "-c", "pwd; stat -c %u:%g /app /app/x")
    assert seen.stdout == "/app/x\n0:0\n7:0\n"
    loaded("create", "--name", "b", "busybox", "/no/such")
    assert loaded("start", "b", check=False).returncode == 125
    assert loaded("start", "-a", "b", check=False).returncode == 127


def test_a_link_that_is_copied(loaded: Rundlet, tmp_path: Path) -> None:
    """Kept by a second start; a destination that is something else is left alone."""
    (tmp_path / "link").symlink_to("elsewhere")
    mount = f"type=bind,src={tmp_path}/link,no-dereference,dest="
    made = ("run", "--name", "a", "--network", "none", "--mount", f"{mount}/new/l", "busybox")
    assert loaded(*made, "readlink", "/new/l").stdout == "elsewhere\n"
    assert loaded("start", "-a", "a").stdout == "elsewhere\n"
    loaded("rm", "a")
    fails(loaded, "--mount", f"{mount}/etc/passwd", says="it exists")


def test_text_that_json_cannot_hold(loaded: Rundlet) -> None:
    loaded("run", "-d", "--name", "a", "--network", "none", "busybox", "sleep", "100")
    refused = loaded("exec", "-e", "X=\udcff", "a", "true", check=False)
    assert (refused.returncode, "not UTF-8" in refused.stderr) == (125, True)
    assert loaded("exec", "-e", "X=\u00fc\U0001f600", "a", "sh", "-c", "echo $X").stdout == (
        "\u00fc\U0001f600\n"
    )
    refused = loaded("update", "--health-cmd", "x", "--no-healthcheck", "a", check=False)
    assert "cannot specify both" in refused.stderr


def test_exec_without_a_session(loaded: Rundlet) -> None:
    """Output and exit code are the same; nothing is noted, and nothing left."""
    loaded("run", "-d", "--name", "a", "--network", "none", "busybox", "sleep", "100")
    script = ("sh", "-c", "echo out; exit 7")
    done = loaded("exec", "--no-session", "a", *script, check=False)
    assert (done.stdout, done.returncode) == ("out\n", 7)
    assert loaded("events", "--stream=false", "--filter", "event=exec").stdout == ""
    assert not list((loaded.directory / "run/containers").glob("*/exec/*"))
    assert loaded("exec", "--no-session", "-d", "a", "true", check=False).returncode == 125
