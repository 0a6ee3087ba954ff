"""Values that shells offer for options whose value may be anything (`commands.complete`).

The keys of `--filter` and the fields of `--format` are those of podman's newest manual pages
(podman-ps(1) and the like); tests ask every one of them of its verb.
"""

from __future__ import annotations

STATES = ("created", "exited", "initialized", "paused", "removing", "running", "stopped",
          "stopping", "unknown")  # fmt: skip
CONTAINER_FILTERS = (
    "ancestor=<images>",
    "annotation=",
    "before=<containers>",
    "command=",
    "exited=",
    *(f"health={state}" for state in ("healthy", "none", "starting", "unhealthy")),
    "id=<containers>",
    "label=",
    "label!=",
    "name=<containers>",
    "network=<networks>",
    "pod=<pods>",
    *(f"restart-policy={policy}" for policy in ("always", "no", "on-failure", "unless-stopped")),
    "should-start-on-boot=false",
    "should-start-on-boot=true",
    "since=<containers>",
    *(f"status={state}" for state in STATES),
    "until=",
    "volume=<volumes>",
)
IMAGE_FILTERS = (
    "after=<images>",
    "before=<images>",
    *(
        f"{key}={value}"
        for key in ("containers", "dangling", "intermediate", "manifest", "readonly")
        for value in ("false", "true")
    ),
    "digest=",
    "id=",
    "label=",
    "label!=",
    "reference=<images>",
    "since=<images>",
    "until=",
)
EVENT_TYPES = ("artifact", "container", "image", "network", "secret", "system", "volume")
EVENT_FILTERS = (
    "artifact=<artifacts>",
    "container=<containers>",
    "event=",
    "image=<images>",
    "label=",
    "network=<networks>",
    "pod=<pods>",
    "secret=<secrets>",
    *(f"type={kind}" for kind in EVENT_TYPES),
    "volume=<volumes>",
)
PRUNE_FILTERS = ("label=", "label!=", "until=")

FIELDS = {
    "artifact ls": "Created CreatedAt Digest Repository Size Tag VirtualSize",
    "events": "Attributes ContainerExitCode ContainerInspectData Error HealthFailingStreak "
    "HealthLog HealthStatus ID Image "
    "Name Network OOMKilled PodID Status Time TimeNano Type",
    "history": "Comment Created CreatedAt CreatedBy CreatedSince ID Size Tags",
    "images": "Containers Created CreatedAt CreatedSince CreatedTime Dangling Digest History "
    "ID Id IsDangling IsManifestList IsReadOnly Labels Names ParentId ReadOnly RepoDigests "
    "RepoTags Repository SharedSize Size Tag VirtualSize",
    "network ls": "Created DNSEnabled Driver ID IPAMOptions IPv6Enabled Internal Labels Name "
    "NetworkDNSServers NetworkInterface Options Routes Subnets",
    "ps": "AutoRemove CIDFile Command Created CreatedAt CreatedHuman ExitCode Exited ExitedAt "
    "ExposedPorts ID Image ImageID IsInfra Labels Mounts Names Networks Pid Pod PodName Ports "
    "Restarts RunningFor Size StartedAt State Status DNSNames Namespaces",
    "search": "Automated Description Index Name Official Stars Tag",
    "secret ls": "CreatedAt Driver ID Name UpdatedAt",
    "stats": "AVGCPU AvgCPU BlockIO BlockInput BlockOutput CPU CPUNano CPUPerc CPUSystemNano "
    "ContainerID ContainerStats Duration ID MemLimit MemPerc MemUsage MemUsageBytes Name NetIO "
    "NetInput NetOutput Network PIDS PIDs SystemNano Up UpTime",
    "system df": "Active RawReclaimable RawSize Reclaimable Size Total Type",
    "volume ls": "Anonymous CreatedAt Driver GID InspectVolumeData Labels LockNumber MountCount "
    "Mountpoint Name NeedsChown NeedsCopyUp Options Scope Status StorageID Timeout UID "
    "VolumeConfigResponse",
}
"""The fields that a template of a list's `--format` may ask for, by verb."""

INSPECTED = {
    "container inspect": "AppArmorProfile Args BoundingCaps Config ConmonPidFile Created "
    "Dependencies Driver EffectiveCaps ExecIDs GraphDriver HostConfig HostnamePath HostsPath ID "
    "Image ImageDigest ImageName InitContainerType IsInfra IsInitCtr IsService "
    "KubeExitCodePropagation LockNumber MountLabel Mounts Name Namespace NetworkSettings "
    "OCIConfigPath OCIRuntime Path PidFile Pod ProcessLabel ResolvConfPath RestartCount Rootfs "
    "SizeRootFs SizeRw State StaticDir UseImageHostname UseImageHosts",
    "artifact inspect": "Artifact Digest Manifest Name TotalSizeBytes",
    "image inspect": "Annotations Architecture Author Comment Config Created Digest GraphDriver "
    "HealthCheck History ID Labels ManifestType NamesHistory Os Parent RepoDigests RepoTags RootFS "
    "Size User Version VirtualSize",
    "network inspect": "Containers Created DNSEnabled Driver ID IPAMOptions IPv6Enabled Internal "
    "Labels Name NetworkDNSServers NetworkInterface Options Routes Subnets",
    "secret inspect": "CreatedAt ID SecretData Spec UpdatedAt",
    "volume inspect": "Anonymous CreatedAt Driver GID Labels LockNumber MountCount Mountpoint Name "
    "NeedsChown NeedsCopyUp Options Scope Status StorageID Timeout UID",
}
"""The same of `inspect`."""

BELOW = {
    "container inspect Config": "Annotations AttachStderr AttachStdin AttachStdout Cmd "
    "CreateCommand Domainname Entrypoint Env Hostname Image Labels OnBuild OpenStdin Passwd "
    "StdinOnce StopSignal StopTimeout Timeout Tty Umask User Volumes WorkingDir",
    "container inspect GraphDriver": "Data Name",
    "container inspect HostConfig": "AutoRemove AutoRemoveImage Binds BlkioWeight CapAdd CapDrop "
    "Cgroup CgroupConf CgroupManager CgroupMode CgroupParent Cgroups ContainerIDFile CpuPeriod "
    "CpuQuota CpuShares CpusetCpus CpusetMems Devices Dns DnsOptions DnsSearch ExtraHosts GroupAdd "
    "IpcMode LogConfig Memory MemoryReservation MemorySwap NanoCpus NetworkMode OomKillDisable "
    "OomScoreAdj PidMode PidsLimit PortBindings Privileged PublishAllPorts ReadonlyRootfs "
    "RestartPolicy Runtime SecurityOpt ShmSize Tmpfs UTSMode Ulimits UsernsMode VolumesFrom",
    "container inspect NetworkSettings": "Bridge EndpointID Gateway GlobalIPv6Address "
    "GlobalIPv6PrefixLen IPAddress IPPrefixLen IPv6Gateway MacAddress Networks Ports SandboxID "
    "SandboxKey",
    "container inspect State": "CgroupPath CheckpointedAt ConmonPid Dead Error ExitCode "
    "FinishedAt Health OOMKilled OciVersion Paused Pid Restarting RestoredAt Running StartedAt "
    "Status StoppedByUser",
    "image inspect Config": "Cmd Entrypoint Env ExposedPorts Labels StopSignal User "
    "Volumes WorkingDir",
    "image inspect GraphDriver": "Data Name",
    "image inspect RootFS": "Layers Type",
}
"""What lies below some of these fields."""

FILTERS = {
    "events": EVENT_FILTERS,
    "images": IMAGE_FILTERS,
    "network ls": ("dangling=false", "dangling=true", "driver=bridge", "driver=ipvlan",
                   "driver=macvlan", "id=", "label=", "label!=", "name=<networks>", "until="),
    "ps": CONTAINER_FILTERS,
    "search": ("is-automated=false", "is-automated=true", "is-official=false", "is-official=true",
               "stars="),
    "secret ls": ("id=", "name=<secrets>"),
    "volume ls": ("after=<volumes>", "anonymous=false", "anonymous=true", "dangling=false",
                  "dangling=true", "driver=local", "label=", "label!=", "name=<volumes>", "opt=",
                  "scope=local", "since=<volumes>", "until="),
}  # fmt: skip


def _formats() -> dict[str, tuple[str, ...]]:
    lists = {
        verb: ("json", "table", *(f"{{{{.{name}}}}}" for name in fields.split()))
        for verb, fields in FIELDS.items()
    }
    documents = {
        verb: ("json", *(f"{{{{.{name}}}}}" for name in with_those_below(verb, fields.split())))
        for verb, fields in INSPECTED.items()
    }
    return {**lists, **documents, "inspect": documents["container inspect"]}


def with_those_below(verb: str, fields: list[str]) -> list[str]:
    """Fields, and those below them as "State.Pid"."""
    below = {field: BELOW.get(f"{verb} {field}", "").split() for field in fields}
    return fields + [f"{field}.{name}" for field, names in below.items() for name in names]


_SHORT = ("ABRT", "ALRM", "CONT", "HUP", "INT", "KILL", "PIPE", "QUIT", "STOP", "TERM", "TSTP",
            "TTIN", "TTOU", "USR1", "USR2", "WINCH")  # fmt: skip
_SIGNALS = (*_SHORT, *(f"SIG{name}" for name in _SHORT))
_CAPABILITIES = (
    "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN "
    "DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE "
    "MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP "
    "SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT "
    "SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
)
_NAMESPACE = ("container:<containers>", "host", "ns:", "private")

SUGGESTED: dict[str, tuple[str, ...]] = {
    **{f"{verb} --filter": keys for verb, keys in FILTERS.items()},
    "--filter": CONTAINER_FILTERS,
    "container prune --filter": PRUNE_FILTERS,
    "image prune --filter": PRUNE_FILTERS,
    "network prune --filter": PRUNE_FILTERS,
    "system prune --filter": PRUNE_FILTERS,
    "volume prune --filter": ("after=<volumes>", "all=true", "anonymous=false", "anonymous=true",
                              "since=<volumes>", *PRUNE_FILTERS),
    "secret create --driver": ("file", "pass", "shell"),
    "volume create --driver": ("image", "local"),
    **{f"{verb} --format": fields for verb, fields in _formats().items()},
    "info --format": ("json", "{{.Host}}", "{{.Plugins}}", "{{.Registries}}", "{{.Store}}",
                      "{{.Version}}"),
    "version --format": ("json", "{{.Client}}", "{{.Client.Version}}"),
    "--cap-add": tuple(_CAPABILITIES.split()),
    "--cap-drop": tuple(_CAPABILITIES.split()),
    "--cgroupns": _NAMESPACE,
    "--condition": (*STATES[:-1], "healthy", "unhealthy"),
    "--image-volume": ("bind", "ignore", "tmpfs"),
    "--ipc": (*_NAMESPACE, "none", "shareable"),
    "--log-driver": ("journald", "json-file", "k8s-file", "none", "passthrough"),
    "--log-opt": ("env=", "label=", "labels=", "max-file=", "max-size=", "path=", "tag="),
    "--mount": ("type=artifact", "type=bind", "type=devpts", "type=glob", "type=image",
                "type=ramfs", "type=tmpfs", "type=volume"),
    "--network": ("bridge", "container:<containers>", "host", "none", "ns:", "private",
                  "<networks>"),
    "--pid": _NAMESPACE,
    "--restart": ("always", "no", "on-failure", "on-failure:", "unless-stopped"),
    "--secret": ("<secrets>",),
    "--security-opt": ("apparmor=", "label=", "mask=", "no-new-privileges", "proc-opts=",
                       "seccomp=", "unmask="),
    "--signal": _SIGNALS,
    "--stop-signal": _SIGNALS,
    "--systemd": ("always", "false", "true"),
    "--userns": ("auto", "container:<containers>", "host", "keep-id", "nomap", "ns:", "private"),
    "--uts": _NAMESPACE,
    "--volume": ("<sources>",),
    "--volumes-from": ("<containers>",),
    "--requires": ("<containers>",),
}  # fmt: skip
