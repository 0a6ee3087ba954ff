"""`rundlet-build build` and `bud`; `rundlet build` where both are installed (buildah-build(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

SBOM = (
    *("sbom", "sbom-image-output", "sbom-image-purl-output", "sbom-merge-strategy"),
    *("sbom-output", "sbom-purl-output", "sbom-scanner-command", "sbom-scanner-image"),
)
USERNS = ("userns-gid-map", "userns-gid-map-group", "userns-uid-map", "userns-uid-map-user")

OPTIONS: tuple[Flag | Option, ...] = (
    Option("add-host", help="Add a custom host-to-IP mapping (host:ip)", many=True),
    Flag("all-platforms", help="Refused: name them with --platform"),
    Option("annotation", help="Set metadata for an image", many=True),
    Option("arch", help="Set the ARCH of the image", metavar="ARCH"),
    Option("authfile", help="Path of the authentication file", completes="files"),
    Option("blob-cache", help="Does nothing: blobs are kept in the store", hidden=True),
    Option("build-arg", help="Argument=value to supply to the builder", many=True),
    Option("build-arg-file", help="File of argument=value lines", many=True, completes="files"),
    Option("build-context", help="Additional build context: NAME=VALUE", many=True),
    Option("cache-from", help="Remote repository to look for steps in", many=True),
    Option("cache-to", help="Remote repository to push steps to", many=True),
    Option("cache-ttl", help="Only use steps of the cache younger than this", kind="duration"),
    Option("cap-add", help="Add capabilities for RUN", many=True, split=True),
    Option("cap-drop", help="Drop capabilities for RUN", many=True, split=True),
    Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
    Option("cgroup-parent", help="Parent cgroup of RUN's containers"),
    Option("cgroupns", help="private, or host"),
    Option("cni-config-dir", help="Does nothing: see --network", hidden=True),
    Option("cni-plugin-path", help="Does nothing: see --network", hidden=True),
    Flag("compat-volumes", help="Refused: what RUN writes below a VOLUME is kept"),
    Flag("compress", help="Does nothing; for compatibility", hidden=True),
    Option("cpp-flag", help="Flag for cpp, which reads Containerfiles named *.in", many=True),
    Option("cpu-period", help="CPU CFS period", kind="uint"),
    Option("cpu-quota", help="CPU CFS quota", kind="int"),
    Option("cpu-shares", "c", help="CPU shares (relative weight)", kind="uint"),
    Option("cpuset-cpus", help="CPUs in which to allow execution (0-3, 0,1)"),
    Option("cpuset-mems", help="Memory nodes in which to allow execution (0-3, 0,1)"),
    Flag("created-annotation", help="Annotate the image with the time of its making"),
    Option("creds", help="Credentials (USERNAME:PASSWORD) for the registry"),
    Option("cw", help="Refused: no confidential workloads"),
    Option("decryption-key", help="Refused: encrypted images are not read", many=True),
    Option("device", help="Additional devices for RUN", many=True),
    Flag("disable-compression", "D", "Layers are always compressed; does nothing", default=True,
         hidden=True),
    Flag("disable-content-trust", help="Docker's; does nothing", hidden=True),
    Option("dns", help="Set custom DNS servers, or none", many=True, split=True),
    Option("dns-option", help="Set custom DNS options", many=True, split=True),
    Option("dns-search", help="Set custom DNS search domains", many=True, split=True),
    Option("env", help="Set an environment variable of the image", many=True),
    Flag("explain", help="Tell why a step was not taken from the cache (with --layers)"),
    Option("file", "f", help="Path or URL of a Containerfile", many=True, completes="files"),
    Flag("force-rm", help="Remove intermediate containers after a failure: always so",
         default=True),
    Option("format", help="Format of the image", choices=("oci", "docker"), default="oci"),
    Option("from", help="Use this image instead of that of the first FROM"),
    Option("hooks-dir", help="Refused: no OCI hooks in builds", many=True),
    Flag("http-proxy", help="Pass proxy variables to RUN", default=True),
    Flag("identity-label", help="Set the label io.rundlet.version, where it is given",
         default=True),
    Option("iidfile", help="Write the image ID to this file", completes="files"),
    Option("ignorefile", help="Path of an alternate .containerignore", completes="files"),
    Flag("inherit-annotations", help="Keep the annotations of the base image", default=True),
    Flag("inherit-labels", help="Keep the labels of the base image", default=True),
    Option("ipc", help="IPC namespace of RUN: private, or host"),
    Option("isolation", help="oci, or rootless, which is the same", default="oci",
           choices=("oci", "chroot", "rootless")),
    Option("jobs", help="How many stages to build side by side; 0: all", default="1",
           kind="uint"),
    Option("label", help="Set metadata for an image", many=True),
    Option("layer-label", help="Set metadata for the image of each step", many=True),
    Flag("layers", help="Keep an image for each step, and use those of earlier builds"),
    Option("logfile", help="Log to a file instead of stdout", completes="files"),
    Option("loglevel", help="Does nothing; for compatibility", hidden=True),
    Flag("logsplit", help="A log file for each platform: LOGFILE_OS_ARCH"),
    Flag("log-rusage", help="Refused: usage is not logged", hidden=True),
    Option("manifest", help="Add the image to this manifest list"),
    Option("memory", "m", help="Memory limit"),
    Option("memory-swap", help="Swap limit equal to memory plus swap: -1 for unlimited"),
    Option("metadata-file", help="Write what was built to this file, as JSON",
           completes="files"),
    Option("network", help="How RUN reaches the network: host, none, private or a name"),
    Option("net", help="As --network", hidden=True),
    Flag("no-cache", help="Do not use the cache"),
    Flag("no-hosts", help="Do not make /etc/hosts for RUN"),
    Flag("omit-history", help="Leave the history out of the image"),
    Option("os", help="Set the OS of the image", metavar="OS"),
    Option("os-feature", help="Set a required OS feature of the image", many=True),
    Option("os-version", help="Set the OS version of the image"),
    Option("output", "o", help="Where to put the files instead of an image", many=True),
    Option("pid", help="PID namespace of RUN: private, or host"),
    Option("platform", help="Set the os/arch/variant of the image", many=True, split=True),
    Option("pull", help="Policy: always, missing, never, newer", optional="always",
           default="missing"),
    Flag("pull-always", help="Pull images even where they are there"),
    Flag("pull-never", help="Do not pull images"),
    Flag("quiet", "q", "Only print the image ID"),
    Option("retry", help="Number of times to retry in case of failure", kind="uint"),
    Option("retry-delay", help="Delay between retries", kind="duration"),
    Flag("rewrite-timestamp", help="Give files too the time of SOURCE_DATE_EPOCH",
         default=True),
    Flag("rm", help="Remove intermediate containers: always so", default=True),
    Option("runtime-flag", help="Refused: flags of a runtime are not passed on", many=True),
    Option("rusage-logfile", help="Refused: usage is not logged", hidden=True),
    *(
        Option(name, help="Refused: no SBOM is made", many=name.endswith("command"))
        for name in SBOM
    ),
    Option("secret", help="Secret for RUN: id=ID,src=FILE or id=ID,env=NAME", many=True),
    Option("security-opt", help="Security options of RUN", many=True),
    Option("shm-size", help="Size of /dev/shm of RUN"),
    Option("sign-by", help="Refused: images of the store are not signed"),
    Option("signature-policy", help="Does nothing: see --policy", hidden=True),
    Flag("skip-unused-stages", help="Skip stages that the target does not need", default=True),
    Option("source-date-epoch", help="Seconds since the epoch: nothing made is newer",
           kind="int"),
    Option("source-policy-file", help="Refused: there are no source policies"),
    Flag("squash", help="Make one layer of all that this build adds"),
    Flag("squash-all", help="Make one layer of everything"),
    Option("ssh", help="Agent for RUN: default or ID=SOCKET", many=True),
    Flag("stdin", help="Pass stdin to RUN"),
    Option("tag", "t", help="Name and optionally a tag of the image", many=True),
    Option("target", help="The stage to build"),
    Option("timestamp", help="Seconds since the epoch: the time of all that is made",
           kind="int"),
    Flag("tls-verify", help="Require HTTPS and verify certificates", default=True),
    Option("ulimit", help="Ulimits of RUN", many=True),
    Option("unsetannotation", help="Leave an annotation out of the image", many=True),
    Option("unsetenv", help="Leave a variable out of the image", many=True),
    Option("unsetlabel", help="Leave a label out of the image", many=True),
    Option("userns", help="User namespace of RUN"),
    *(
        Option(name, help="Refused: see --userns", many=name.endswith("map"))
        for name in USERNS
    ),
    Option("uts", help="private, or host"),
    Option("variant", help="Set the variant of the image"),
    Option("volume", "v", help="Mount into RUN's containers", many=True),
)  # fmt: skip

VERB = Verb(
    name="build",
    summary="Build an image using instructions in a Containerfile",
    usage="[options] [CONTEXT]",
    description=(
        "Builds an OCI image using instructions in one or more Containerfiles. CONTEXT is a"
        " directory, - for a tar or Containerfile on stdin, or the URL of an archive, of a git"
        " repository or of a Containerfile; without it, the current directory."
    ),
    run="rundlet.build.verbs.build_run:run",
    options=OPTIONS,
    arguments=Arguments(maximum=1, completes="files"),
    examples=(
        "rundlet-build build -t imageName .",
        "rundlet-build bud --layers --explain -t imageName .",
        "rundlet-build build -f Containerfile.simple -f Containerfile.more .",
    ),
)
BUD = VERB.replace(name="bud")
PODMAN = VERB.replace(
    run="rundlet.build.verbs.build_run:run_layers",
    options=tuple(
        option.replace(default={"layers": True, "pull": "true"}[option.name])
        if option.name in ("layers", "pull")
        else option
        for option in OPTIONS
    ),
)
"""`rundlet build`, as podman has it: with --layers unless told otherwise."""
