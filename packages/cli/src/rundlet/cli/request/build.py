"""The whole request of `run` and `create`."""

from __future__ import annotations

import sys

from rundlet.core.containers.request import ContainerRequest, Device
from rundlet.core.errors import InvalidArgument, NotSupported, UsageError

from . import environment, hosts
from .id_maps import id_maps
from .log_options import log_labels, log_options
from .mounts import device, mounts
from .networks import networks_of, refuse_dns
from .options import LEFT_OUT
from .ports import port_mappings
from .resources import resources
from .secrets import secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Parsed

_PULL = {"true": "always", "false": "missing", "ifnotexists": "missing", "ifnewer": "newer"}
_MAPS = ("uidmap", "gidmap", "subuidname", "subgidname")


def build(arguments: Parsed) -> ContainerRequest:
    """What the words ask for. Raises UsageError, InvalidArgument, NotSupported."""
    _refuse(arguments)
    image, *command = arguments.arguments
    rootfs = arguments.flag("rootfs")
    network, networks = networks_of(arguments)
    pull = arguments.text("pull")
    logging = log_options(arguments.texts("log-opt"))
    uids, gids = id_maps(arguments.texts("uidmap"), arguments.texts("gidmap"))
    checks: dict[str, Any] = {}
    if any(name.startswith("health-") or name == "no-healthcheck" for name in arguments.given):
        from .health import health

        checks = health(arguments)
    return ContainerRequest(
        image="" if rootfs else image,
        **(_root_directory(image) if rootfs else {}),
        command=tuple(command) or None,
        entrypoint=_entrypoint(arguments),
        env=environment.environment(arguments),
        env_merge=arguments.texts("env-merge"),
        passwd=arguments.flag("passwd"),
        passwd_entry=arguments.text("passwd-entry"),
        group_entry=arguments.text("group-entry"),
        host_users=arguments.texts("hostuser"),
        sub_uid_name=arguments.text("subuidname"),
        sub_gid_name=arguments.text("subgidname"),
        unset_env=("*",) if arguments.flag("unsetenv-all") else arguments.texts("unsetenv"),
        workdir=arguments.text("workdir"),
        user=arguments.text("user"),
        group_add=arguments.texts("group-add"),
        umask=arguments.text("umask"),
        timezone=arguments.text("tz"),
        terminal=arguments.flag("tty"),
        stdin=arguments.flag("interactive"),
        init=arguments.flag("init"),
        init_path=arguments.text("init-path"),
        name=arguments.text("name").removeprefix("/"),  # docker's names begin with one
        hostname=arguments.text("hostname"),
        labels=environment.labels(arguments),
        annotations=environment.key_values(arguments.texts("annotation"), "annotation"),
        runtime=str(arguments.values.get("runtime") or ""),
        restart=arguments.text("restart"),
        auto_remove=arguments.flag("rm") or bool(arguments.values.get("rmi")),
        auto_remove_image=bool(arguments.values.get("rmi")),
        stop_signal=arguments.text("stop-signal"),
        stop_timeout=arguments.number("stop-timeout"),
        timeout=arguments.number("timeout") or 0,
        log_driver=logging.pop("driver", "") or arguments.text("log-driver"),
        log_options=logging,
        log_labels=log_labels(arguments.texts("log-opt")),
        pid=arguments.text("pid"),
        ipc=arguments.text("ipc"),
        uts=arguments.text("uts"),
        cgroup=arguments.text("cgroupns"),
        userns=_userns(arguments),
        uid_map=uids,
        gid_map=gids,
        network=network,
        networks=networks,
        ports=port_mappings(arguments.texts("publish")),
        publish_all=arguments.flag("publish-all"),
        expose=hosts.exposed(arguments.texts("expose")),
        dns=hosts.servers(arguments.texts("dns")),
        dns_search=arguments.texts("dns-search"),
        dns_options=(*arguments.texts("dns-option"), *arguments.texts("dns-opt")),
        add_hosts=hosts.added(arguments.texts("add-host")),
        no_hosts=arguments.flag("no-hosts"),
        hosts_file=arguments.text("hosts-file"),
        no_hostname=arguments.flag("no-hostname"),
        chroot_dirs=arguments.texts("chrootdirs"),
        mounts=mounts(arguments),
        volumes_from=arguments.texts("volumes-from"),
        image_volumes=_image_volumes(arguments),
        read_only=arguments.flag("read-only"),
        read_only_tmpfs=arguments.flag("read-only-tmpfs"),
        shm_size=_size(arguments, "shm-size"),
        shm_size_systemd=_size(arguments, "shm-size-systemd"),
        secrets=tuple(secret(text) for text in arguments.texts("secret")),
        devices=(
            *(device(text) for text in arguments.texts("device")),
            *(Device(f"nvidia.com/gpu={name}") for name in arguments.texts("gpus")),
        ),
        privileged=arguments.flag("privileged"),
        cap_add=arguments.texts("cap-add"),
        cap_drop=arguments.texts("cap-drop"),
        security_options=arguments.texts("security-opt"),
        seccomp_policy=arguments.text("seccomp-policy") or "default",
        sysctls=environment.key_values(arguments.texts("sysctl"), "sysctl"),
        ulimits=arguments.texts("ulimit"),
        oom_score_adj=arguments.number("oom-score-adj"),
        cgroup_parent=arguments.text("cgroup-parent"),
        cgroups=arguments.text("cgroups"),
        resources=resources(arguments),
        rdt_class=arguments.text("rdt-class"),
        requires=arguments.texts("requires"),
        **checks,
        personality=arguments.text("personality"),
        systemd=arguments.text("systemd"),
        preserve_fds=int(arguments.values.get("preserve-fds") or 0),
        preserve_fd=descriptors(arguments),
        sdnotify=arguments.text("sdnotify"),
        pidfile=arguments.text("pidfile"),
        conmon_pidfile=arguments.text("conmon-pidfile"),
        cidfile=arguments.text("cidfile"),
        create_command=("rundlet", *sys.argv[1:]),
        pull=_PULL.get(pull, pull),
        platform=platform(arguments),
    )


def _refuse(arguments: Parsed) -> None:
    """What cannot be done, and what contradicts itself; what is of no effect is told."""
    if "kernel-memory" in arguments.given:
        sys.stderr.write(
            "WARN[0000] The --kernel-memory flag is no longer supported. This flag is a noop.\n"
        )
    for name, why in LEFT_OUT.items():
        if name in arguments.given:
            raise NotSupported(f"--{name} is not supported: {why}")
    if arguments.flag("rm") and arguments.text("restart") not in ("", "no"):
        raise UsageError("the --rm option conflicts with --restart")
    if arguments.flag("no-hosts") and arguments.texts("add-host"):
        raise UsageError("--no-hosts and --add-host cannot be set together")
    groups = arguments.texts("group-add")
    if "keep-groups" in groups and len(groups) > 1:
        raise UsageError(
            "the '--group-add keep-groups' option is not allowed with any other --group-add options"
        )
    if arguments.text("uts") == "host" and arguments.text("hostname"):
        raise UsageError("cannot set hostname when running in the host UTS namespace")
    if arguments.flag("init") and arguments.text("systemd") == "always":
        raise UsageError("cannot use container-init binary with systemd=always")
    refuse_dns(arguments)
    if arguments.text("userns") and any(name in arguments.given for name in _MAPS):
        raise UsageError(
            "--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually exclusive"
        )


def _userns(arguments: Parsed) -> str:
    """--userns; its default is PODMAN_USERNS, unless the ids are mapped one by one."""
    import os

    if "userns" in arguments.given or any(name in arguments.given for name in _MAPS):
        return arguments.text("userns")
    return arguments.text("userns") or os.environ.get("PODMAN_USERNS", "")


def _root_directory(text: str) -> dict[str, Any]:
    """`--rootfs`: a path, behind which `:O` or `:idmap` may be."""
    import os

    path, _, how = text.rpartition(":")
    if path and how == "O":
        return {"rootfs": os.path.abspath(path), "rootfs_overlay": True}
    if path and (how == "idmap" or how.startswith("idmap=")):
        return {"rootfs": os.path.abspath(path), "rootfs_idmap": how}
    return {"rootfs": os.path.abspath(text)}


def _entrypoint(arguments: Parsed) -> tuple[str, ...] | None:
    """A JSON list, or one word; "" clears the image's."""
    if "entrypoint" not in arguments.given:
        return None
    text = arguments.text("entrypoint")
    if text.startswith("["):
        from rundlet.core import json

        try:
            words = json.loads(text)
        except ValueError:
            return (text,)
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return tuple(words)
    return (text,) if text else ()


def descriptors(arguments: Parsed) -> tuple[int, ...]:
    """The numbers of --preserve-fd, where a verb has it. Raises InvalidArgument."""
    texts = arguments.values.get("preserve-fd")
    if not isinstance(texts, tuple):
        return ()
    for text in texts:
        if not text.isdecimal() or int(text) < 3:
            raise InvalidArgument(
                f"invalid --preserve-fd {text!r}: a descriptor is a number of 3 or more"
            )
    return tuple(int(text) for text in texts)


def _image_volumes(arguments: Parsed) -> str:
    mode = arguments.text("image-volume") or "anonymous"
    mode = "anonymous" if mode == "bind" else mode
    if mode not in ("anonymous", "tmpfs", "ignore"):
        raise InvalidArgument(f"invalid --image-volume {mode!r}: bind, tmpfs or ignore")
    return mode


def _size(arguments: Parsed, name: str) -> int | None:
    from rundlet.core.format.units import parse_size

    text = arguments.text(name)
    size = parse_size(text) if text else 0
    if size < 0:
        raise InvalidArgument(f"--{name}: invalid size: '{text}'")
    return size if text else None


def platform(arguments: Parsed) -> str:
    """`--platform`, or what --os, --arch and --variant say; "" for this machine's.

    Raises InvalidArgument for both.
    """
    if arguments.text("platform"):
        if arguments.text("arch") or arguments.text("os"):
            raise InvalidArgument("--platform option can not be specified with --arch or --os")
        return arguments.text("platform")
    given = [arguments.text(name) for name in ("os", "arch", "variant")]
    if not any(given):
        return ""
    from rundlet.core.images.platforms import native

    usual = (native().os, native().architecture, "")
    parts = [said or other for said, other in zip(given, usual, strict=True)]
    return "/".join(part for part in parts if part)
