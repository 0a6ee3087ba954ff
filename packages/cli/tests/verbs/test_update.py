"""`update` of what is no limit."""

from __future__ import annotations

from devtools.tool import Rundlet
from devtools.waiting import until


def test_update_of_variables_ulimits_and_checks(loaded: Rundlet) -> None:
    script = "echo $A $B; ulimit -n; sleep 100"
    words = ("--network=none", "-e", "A=1", "-e", "B=1", "--ulimit", "nofile=512:512", "busybox")
    loaded("run", "-d", "--name", "c", *words, "sh", "-c", script)
    change = ("-e", "A=2", "--unsetenv", "B", "--ulimit", "nofile=256:256")
    check = ("--health-cmd", "true", "--health-interval", "1s")
    loaded("update", *change, *check, "c")
    assert loaded("exec", "c", "sh", "-c", "ulimit -n").stdout == "256\n"
    loaded("wait", "--condition=healthy", "c")
    loaded("update", "--health-cmd", "false", "--health-retries", "1", "c")
    loaded("wait", "--condition=unhealthy", "c")
    loaded("restart", "-t", "0", "c")
    loaded("exec", "c", "true")
    until(lambda: loaded("logs", "c").stdout.split() == ["1", "1", "512", "2", "256"])
    loaded("update", "--health-startup-cmd", "true", "--health-max-log-count", "7", "c")
    loaded("update", "--no-healthcheck", "c")
    form = "{{with .Config}}{{.StartupHealthCheck}} {{.HealthMaxLogCount}}{{end}}"
    shown = loaded("inspect", "-f", form + " {{.HostConfig.RestartPolicy.Name}}", "c").stdout
    assert shown == "<nil> 7 no\n"
    done = loaded("update", "--ulimit", "nonsense", "c", check=False)
    assert (done.returncode, "nonsense" in done.stderr) == (125, True)


def test_update_of_what_cpus_says(loaded: Rundlet) -> None:
    """--cpus is a quota for a period: the later of the two holds, as with podman."""
    loaded("create", "--name", "c", "--cpus", "0.5", "busybox", "true")
    for change, expected in (
        (("--cpu-quota", "20000"), "20000 100000"),
        (("--cpus", "2"), "200000 100000"),
        (("--cpu-period", "50000"), "200000 50000"),
    ):
        loaded("update", *change, "c")
        form = "{{with .HostConfig}}{{.CpuQuota}} {{.CpuPeriod}}{{end}}"
        assert loaded("inspect", "-f", form, "c").stdout == f"{expected}\n"
