"""The options of `run` and `create` (podman-run(1)), declared once for both."""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Option
from rundlet.core.commands.options import AUTHFILE
from rundlet.core.verbs.tls_details import TLS_DETAILS

_MANY = "strings"


def _list(name: str, help: str, short: str = "") -> Option:
    """An option that repeats and splits at commas (pflag's StringSlice)."""
    return Option(name, short, help, _MANY, many=True, split=True)


def _array(name: str, help: str, short: str = "", completes: str = "") -> Option:
    """An option that repeats and is taken whole (pflag's StringArray)."""
    return Option(name, short, help, "stringArray", many=True, completes=completes)


def _number(name: str, help: str, short: str = "") -> Option:
    return Option(name, short, help, "int", kind="int")


def _count(name: str, help: str) -> Option:
    return Option(name, "", help, "uint", kind="uint")


def _size(name: str, help: str, short: str = "") -> Option:
    return Option(name, short, help, "<number>[<unit>]")


CREATE_OPTIONS: tuple[Flag | Option, ...] = (
    _list("add-host", "Add a custom host-to-IP mapping (host:ip)"),
    _list("annotation", "Add annotations to container (key=value)"),
    Option("arch", help="Use ARCH instead of the architecture of the machine", metavar="ARCH"),
    _list("attach", "Attach to STDIN, STDOUT or STDERR", "a"),
    AUTHFILE,
    Option("blkio-weight", help="Block IO weight, between 10 and 1000"),
    _list("blkio-weight-device", "Block IO weight of a device (NAME:WEIGHT)"),
    _list("cap-add", "Add capabilities to the container"),
    _list("cap-drop", "Drop capabilities from the container"),
    Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
    _list("cgroup-conf", "Configure cgroup v2 (key=value)"),
    Option("cgroup-parent", help="Optional parent cgroup for the container"),
    Option("cgroupns", help="Cgroup namespace to use"),
    Option("cgroups", help="Control container cgroup configuration", default="enabled"),
    _list("chrootdirs", "Chroot directories inside the container"),
    Option("cidfile", help="Write the container ID to the file", completes="files"),
    Option("conmon-pidfile", help="Path to the file that will receive the PID of conmon"),
    _number("cpu-period", "Limit the CPU CFS (Completely Fair Scheduler) period"),
    _number("cpu-quota", "Limit the CPU CFS (Completely Fair Scheduler) quota"),
    _number("cpu-rt-period", "Limit the CPU real-time period in microseconds"),
    _number("cpu-rt-runtime", "Limit the CPU real-time runtime in microseconds"),
    _number("cpu-shares", "CPU shares (relative weight)", "c"),
    Option("cpus", help="Number of CPUs. 0.0 is no limit", metavar="float", kind="float"),
    Option("cpuset-cpus", help="CPUs in which to allow execution (0-3, 0,1)"),
    Option("cpuset-mems", help="Memory nodes in which to allow execution (0-3, 0,1)"),
    Option("creds", help="Credentials (USERNAME:PASSWORD) for the registry"),
    Option("decryption-key", help="Key needed to decrypt the image", many=True),
    Option("detach-keys", help="Key sequence for detaching a container"),
    _list("device", "Add a host device to the container"),
    _list("device-cgroup-rule", "Add a rule to the cgroup allowed devices list"),
    _list("device-read-bps", "Limit read rate (bytes per second) from a device"),
    _list("device-read-iops", "Limit read rate (IO per second) from a device"),
    _list("device-write-bps", "Limit write rate (bytes per second) to a device"),
    _list("device-write-iops", "Limit write rate (IO per second) to a device"),
    Flag("disable-content-trust", help="Docker's; does nothing", hidden=True),
    _list("dns", "Set custom DNS servers"),
    _list("dns-option", "Set custom DNS options"),
    Option("dns-opt", many=True, split=True, hidden=True),
    _list("dns-search", "Set custom DNS search domains"),
    Option("entrypoint", help="Overwrite the default ENTRYPOINT of the image"),
    _array("env", "Set environment variables in container", "e"),
    _array("env-file", "Read in a file of environment variables", completes="files"),
    Flag("env-host", help="Use all current host environment variables in container"),
    _array("env-merge", "Preprocess environment variables from image"),
    _list("expose", "Expose a port or a range of ports"),
    _list("gidmap", "GID map to use for the user namespace"),
    _list("gpus", "GPUs to add to the container ('all' to pass all GPUs)"),
    _list("group-add", "Add additional groups to the primary container process"),
    Option("group-entry", help="Entry to write to /etc/group"),
    Option("health-cmd", help="Set a healthcheck command for the container"),
    Option("health-interval", help="Set an interval for the healthcheck"),
    Option("health-log-destination", help="Where to write health check logs"),
    _count("health-max-log-count", "Maximum number of attempts in the HealthCheck log"),
    _count("health-max-log-size", "Maximum length in characters of the healthcheck log"),
    Option(
        "health-on-failure",
        help="Action to take once the container turns unhealthy",
        choices=("none", "kill", "restart", "stop"),
    ),
    _count("health-retries", "Retries allowed before a healthcheck is considered unhealthy"),
    Option("health-start-period", help="Initialization time for a container to bootstrap"),
    Option("health-startup-cmd", help="Set a startup healthcheck command"),
    Option(
        "health-startup-interval",
        help="Set an interval for the startup healthcheck",
        aliases=("health-start-interval",),
    ),
    _count("health-startup-retries", "Failures of the startup healthcheck before a restart"),
    _count("health-startup-success", "Successes before the startup healthcheck is done"),
    Option("health-startup-timeout", help="Time before a startup healthcheck is failed"),
    Option("health-timeout", help="Time before a healthcheck is considered failed"),
    Option("hostname", "h", "Set container hostname"),
    Option("hosts-file", help="Base file to create the /etc/hosts file inside the container"),
    _array("hostuser", "Host user account to add to /etc/passwd within container"),
    Flag("http-proxy", help="Set proxy environment variables in the container", default=True),
    Option("image-volume", help="How to handle the image's volumes", default=None),
    Flag("init", help="Run an init binary inside the container"),
    Option("init-path", help="Path to the container-init binary"),
    Flag("interactive", "i", "Make STDIN available to the contained process"),
    Option("ip", help="Specify a static IPv4 address for the container"),
    Option("ip6", help="Specify a static IPv6 address for the container"),
    Option("ipc", help="IPC namespace to use"),
    Option("kernel-memory", metavar="<number>[<unit>]", help="Docker's; does nothing", hidden=True),
    _array("label", "Set metadata on container", "l"),
    _array("label-file", "Read in a line delimited file of labels", completes="files"),
    Option("log-driver", help="Logging driver for the container"),
    _array("log-opt", "Logging driver options"),
    Option("mac-address", help="Container MAC address (e.g. 92:d0:c6:0a:29:33)"),
    _size("memory", "Memory limit", "m"),
    _size("memory-reservation", "Memory soft limit"),
    Option("memory-swap", help="Swap limit equal to memory plus swap: '-1' for unlimited"),
    _number("memory-swappiness", "Tune container memory swappiness (0 to 100, or -1)"),
    _array("mount", "Attach a filesystem mount to the container"),
    Option("name", help="Assign a name to the container"),
    Option(
        "network",
        help="Connect a container to a network",
        many=True,
        completes="networks",
        aliases=("net",),
    ),
    _list("network-alias", "Add network-scoped alias for the container"),
    Flag("no-healthcheck", help="Disable healthchecks on container"),
    Flag("no-hostname", help="Do not create /etc/hostname within the container"),
    Flag("no-hosts", help="Do not create /etc/hosts within the container"),
    Flag("oom-kill-disable", help="Disable OOM Killer"),
    _number("oom-score-adj", "Tune the host's OOM preferences (-1000 to 1000)"),
    Option("os", help="Use OS instead of the running OS for choosing images", metavar="OS"),
    Flag("passwd", help="Add entries to /etc/passwd and /etc/group", default=True),
    Option("passwd-entry", help="Entry to write to /etc/passwd"),
    Option("personality", help="Configure execution domain using personality"),
    Option("pid", help="PID namespace to use"),
    Option("pidfile", help="Write the container process ID to the file", completes="files"),
    _number("pids-limit", "Tune container pids limit (-1 for unlimited)"),
    Option("platform", help="Specify the platform for selecting the image"),
    Option("pod", help="Run container in an existing pod"),
    Option("pod-id-file", help="Read the pod ID from the file"),
    Flag("privileged", help="Give extended privileges to container"),
    _list("publish", "Publish a container's port, or a range of ports, to the host", "p"),
    Flag("publish-all", "P", "Publish all exposed ports to random ports on the host interface"),
    Option(
        "pull",
        help="Pull image policy",
        choices=("always", "missing", "never", "newer", "true", "false", "ifnotexists", "ifnewer"),
    ),
    Flag("quiet", "q", "Suppress output information when pulling images"),
    Option("rdt-class", help="Class of service of the CPU's caches (resctrl)"),
    Flag("read-only", help="Make containers root filesystem read-only"),
    Flag("read-only-tmpfs", help="Mount read-write tmpfs on /run, /tmp and /var/tmp", default=True),
    Flag("replace", help="If a container with the same name exists, replace it"),
    _list("requires", "Add one or more requirement containers"),
    Option("restart", help="Restart policy to apply when a container exits"),
    Option(
        "retry",
        help="Number of times to retry in case of a pull failure",
        kind="uint",
        setting="retries",
    ),
    Option(
        "retry-delay",
        help="Delay between retries in case of pull failures",
        kind="duration",
        metavar="duration",
        setting="retry_delay",
    ),
    Flag("rm", help="Remove container after exit"),
    Flag("rootfs", help="The first argument is not an image but a root directory"),
    Option(
        "sdnotify",
        help="Control sd-notify behavior",
        default="container",
        choices=("container", "conmon", "healthy", "ignore"),
    ),
    Option(
        "seccomp-policy",
        help="Policy for selecting a seccomp profile",
        choices=("default", "image"),
    ),
    _array("secret", "Add secret to container"),
    _array("security-opt", "Security Options"),
    _size("shm-size", "Size of /dev/shm"),
    _size("shm-size-systemd", "Size of systemd specific tmpfs mounts"),
    Option("stop-signal", help="Signal to stop a container. Default is SIGTERM"),
    _number("stop-timeout", "Seconds that containers stopped by user command may take"),
    Option("subgidname", help="Name of range listed in /etc/subgid"),
    Option("subuidname", help="Name of range listed in /etc/subuid"),
    _list("sysctl", "Sysctl options"),
    Option("systemd", help="Run container in systemd mode", default="true"),
    Option(
        "timeout",
        help="Seconds a container may run; then it is killed",
        metavar="uint",
        kind="uint",
    ),
    TLS_DETAILS,
    Flag("tls-verify", help="Require HTTPS and verify certificates of registries", default=True),
    _array("tmpfs", "Mount a temporary filesystem (tmpfs) into a container"),
    Flag("tty", "t", "Allocate a pseudo-TTY for container"),
    Option("tz", help="Set timezone in container"),
    _list("uidmap", "UID map to use for the user namespace"),
    _array("ulimit", "Ulimit options"),
    Option("umask", help="Set umask in container"),
    _array("unsetenv", "Unset environment default variables in container"),
    Flag("unsetenv-all", help="Unset all default environment variables in container"),
    Option("user", "u", "Username or UID (format: <name|uid>[:<group|gid>])"),
    Option("userns", help="User namespace to use"),
    Option("uts", help="UTS namespace to use"),
    Option("variant", help="Use VARIANT instead of the running architecture variant"),
    _array("volume", "Bind mount a volume into the container", "v"),
    _array("volumes-from", "Mount volumes from the specified container(s)"),
    Option("workdir", "w", "Working directory inside the container"),
)

RUNTIME_OPTION = Option(
    "runtime", help="OCI runtime for this container, by name or path", completes="runtime"
)

PRESERVE_FD = _list("preserve-fd", "File descriptors to pass into the container")

RUN_OPTIONS: tuple[Flag | Option, ...] = (
    *CREATE_OPTIONS,
    RUNTIME_OPTION,
    Flag("detach", "d", "Run container in background and print container ID"),
    _number("preserve-fds", "Pass a number of additional file descriptors into the container"),
    PRESERVE_FD,
    Flag("rmi", help="Remove image unless used by other containers, implies --rm"),
    Flag("sig-proxy", help="Proxy received signals to the process", default=True),
)

HARMLESS = frozenset(("disable-content-trust", "kernel-memory"))
"""Accepted without effect when given."""

NO_PODS = "containers join pods through the CRI server; there is no `rundlet pod`"
LEFT_OUT = {"pod": NO_PODS, "pod-id-file": NO_PODS}
"""Refused with the reason when given."""
