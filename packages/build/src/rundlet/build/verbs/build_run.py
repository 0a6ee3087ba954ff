"""What `build` does with its words."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import ExitStack, contextmanager

from rundlet.build.context import locations
from rundlet.build.execute import outputs
from rundlet.build.execute.build import build
from rundlet.build.execute.options import BuildOptions, Secret, Timestamp
from rundlet.build.execute.progress import Progress, SplitProgress, log_file
from rundlet.core.containers.request import ContainerRequest, Device, Mount, Resources
from rundlet.core.contracts.transport import Platform, TransportSettings
from rundlet.core.errors import InvalidArgument, NotFound, NotSupported, UsageError
from rundlet.core.format.times import rfc3339
from rundlet.core.format.units import parse_size
from rundlet.core.images.manifest import native, parse_platform

from . import build_refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rundlet.core.commands.context import Context, Parsed

_PULL = {
    "true": "always",
    "false": "missing",
    "ifnotexists": "missing",
    "ifmissing": "missing",
    "ifnewer": "newer",
}
_POLICIES = ("always", "missing", "never", "newer")
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")


def run(context: Context, arguments: Parsed) -> int:
    """Build; prints the image's ID. With BUILDAH_LAYERS=true as with --layers."""
    said = os.environ.get("BUILDAH_LAYERS", "").lower() in ("1", "true", "yes")
    return _run(context, arguments, layers=said)


def run_layers(context: Context, arguments: Parsed) -> int:
    """`rundlet build`: with --layers unless told otherwise, as podman has it."""
    said = os.environ.get("BUILDAH_LAYERS", "true").lower() in ("1", "true", "yes")
    return _run(context, arguments, layers=said)


def _run(context: Context, arguments: Parsed, *, layers: bool) -> int:
    if "layers" in arguments.given:
        layers = arguments.flag("layers")
    wanted = options(arguments, layers=layers or arguments.flag("explain"))
    with _log(context, arguments) as progress, _interrupts():
        images = build(context.engine, wanted, progress=progress, stdin=sys.stdin.buffer)
    if wanted.id_file:
        outputs.write_id(wanted.id_file, images[-1])
    if not wanted.outputs or any(out["dest"] != "-" for out in wanted.outputs):
        for image in images:
            context.print(image.id)
    if arguments.text("metadata-file"):
        outputs.write_metadata(context.engine, arguments.text("metadata-file"), images[-1])
    return 0


@contextmanager
def _log(context: Context, arguments: Parsed) -> Iterator[Progress]:
    """Progress goes to stdout, to a file with --logfile, nowhere with --quiet.

    To stderr where stdout gets a tar.
    """
    path = arguments.text("logfile")
    if arguments.flag("logsplit"):
        if not path:
            raise UsageError("cannot use --logsplit without --logfile")
        with ExitStack() as stack:
            yield SplitProgress(path, stack)
        return
    if path:
        with log_file(path) as file:
            yield Progress(file)
        return
    out = context.stderr if "-" in arguments.texts("output") else context.stdout
    yield Progress(out, quiet=arguments.flag("quiet"))


@contextmanager
def _interrupts() -> Iterator[None]:
    """SIGTERM and SIGHUP end the build as SIGINT does: everything temporary goes."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def options(arguments: Parsed, *, layers: bool) -> BuildOptions:
    """The words as a value. Raises UsageError, InvalidArgument, NotFound."""
    if arguments.text("isolation") == "chroot":
        raise NotSupported(
            f"--isolation {arguments.text('isolation')} is not supported for build",
            remedy="RUN uses an OCI runtime: choose it with the global option --runtime.",
        )
    build_refused.check(arguments)
    if arguments.flag("squash") and arguments.flag("squash-all"):
        raise UsageError("cannot set both --squash and --squash-all")
    ttl = arguments.seconds("cache-ttl")
    return BuildOptions(
        context=arguments.arguments[0] if arguments.arguments else ".",
        files=arguments.texts("file"),
        names=arguments.texts("tag"),
        manifest_list=arguments.text("manifest"),
        target=arguments.text("target"),
        base=arguments.text("from"),
        arguments=_arguments(arguments),
        contexts=tuple(locations.named(text) for text in arguments.texts("build-context")),
        ignore_file=arguments.text("ignorefile"),
        platforms=platforms(arguments),
        pull=pull_policy(arguments),
        settings=transport_settings(arguments),
        layers=layers and not (arguments.flag("squash") or arguments.flag("squash-all")),
        cache=not arguments.flag("no-cache") and ttl != 0,
        cache_ttl=ttl,
        cache_from=arguments.texts("cache-from"),
        cache_to=arguments.texts("cache-to"),
        explain=arguments.flag("explain"),
        squash=arguments.flag("squash"),
        squash_all=arguments.flag("squash-all"),
        docker=arguments.text("format") == "docker",
        timestamp=_timestamp(arguments),
        labels=(*_identity(arguments), *_pairs(arguments, "label")),
        annotations=_annotations(arguments),
        environment=_environment(arguments),
        unset_environment=arguments.texts("unsetenv"),
        unset_labels=arguments.texts("unsetlabel"),
        unset_annotations=arguments.texts("unsetannotation"),
        layer_labels=_pairs(arguments, "layer-label"),
        inherit_labels=arguments.flag("inherit-labels"),
        inherit_annotations=arguments.flag("inherit-annotations"),
        os_version=arguments.text("os-version"),
        os_features=arguments.texts("os-feature"),
        cpp_flags=(*os.environ.get("BUILDAH_CPPFLAGS", "").split(), *arguments.texts("cpp-flag")),
        omit_history=arguments.flag("omit-history"),
        outputs=tuple(outputs.parse(text) for text in arguments.texts("output")),
        id_file=arguments.text("iidfile"),
        jobs=_number(arguments, "jobs"),
        skip_unused=arguments.flag("skip-unused-stages"),
        secrets=tuple(secret(text) for text in arguments.texts("secret")),
        ssh=dict(_ssh(text) for text in arguments.texts("ssh")),
        template=template(arguments),
        stdin=arguments.flag("stdin"),
        quiet=arguments.flag("quiet"),
    )


def _timestamp(arguments: Parsed) -> Timestamp | None:
    found = timestamp(arguments)
    if found is None or found.clamp is False:
        return found
    return found.replace(files=arguments.flag("rewrite-timestamp"))


def _identity(arguments: Parsed) -> tuple[tuple[str, str], ...]:
    """--identity-label, where it was given: an image is else what its Containerfile says."""
    if "identity-label" not in arguments.given or not arguments.flag("identity-label"):
        return ()
    from rundlet.core import __version__

    return (("io.rundlet.version", __version__),)


def _annotations(arguments: Parsed) -> dict[str, str]:
    """--created-annotation and --annotation."""
    found = {}
    if arguments.flag("created-annotation"):
        at = timestamp(arguments)
        now = time.time_ns() if at is None else at.seconds * 1_000_000_000
        found["org.opencontainers.image.created"] = rfc3339(now)
    return {**found, **dict(_pairs(arguments, "annotation"))}


def _number(arguments: Parsed, name: str) -> int:
    return arguments.number(name) or 0


def _arguments(arguments: Parsed) -> dict[str, str]:
    """--build-arg-file, then --build-arg; a name alone takes the value of our environment."""
    found: dict[str, str] = {}
    for path in arguments.texts("build-arg-file"):
        try:
            with open(path, encoding="utf-8") as file:
                lines = [line.strip() for line in file]
        except OSError as error:
            raise NotFound(f"--build-arg-file {path}: {error.strerror}") from None
        words = [line for line in lines if line and not line.startswith("#")]
        found.update(_from_environment(words))
    found.update(_from_environment(arguments.texts("build-arg")))
    return found


def _from_environment(words: tuple[str, ...] | list[str]) -> dict[str, str]:
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            found[name] = value
        elif name in os.environ:
            found[name] = os.environ[name]
    return found


def _pairs(arguments: Parsed, name: str) -> tuple[tuple[str, str], ...]:
    pairs = (text.partition("=") for text in arguments.texts(name))
    return tuple((key, value) for key, _, value in pairs)


def _environment(arguments: Parsed) -> tuple[tuple[str, str], ...]:
    return tuple(_from_environment(arguments.texts("env")).items())


def platforms(arguments: Parsed) -> tuple[Platform, ...]:
    """--platform, or --os, --arch and --variant. Raises UsageError for both."""
    given = tuple(parse_platform(text) for text in arguments.texts("platform"))
    parts = [arguments.text(name) for name in ("os", "arch", "variant")]
    if not any(parts):
        return given
    if given:
        raise UsageError("--platform may not be used with --os, --arch, or --variant")
    here = native()
    return (Platform(parts[0] or here.os, parts[1] or here.architecture, parts[2]),)


def pull_policy(arguments: Parsed) -> str:
    """--pull, --pull-always, --pull-never as always, missing, never or newer."""
    if arguments.flag("pull-always"):
        return "always"
    if arguments.flag("pull-never"):
        return "never"
    if "pull" not in arguments.given:
        return "missing"
    text = arguments.text("pull").lower()
    policy = _PULL.get(text, text)
    if policy not in _POLICIES:
        raise UsageError(f"unrecognized pull policy {text!r}", remedy=", ".join(_POLICIES))
    return policy


def transport_settings(arguments: Parsed) -> TransportSettings:
    """--creds, --tls-verify, --authfile, --cert-dir, --retry, --retry-delay."""
    plain = TransportSettings()
    credentials = None
    if arguments.text("creds"):
        name, colon, password = arguments.text("creds").partition(":")
        if not colon:
            raise UsageError("give --creds USERNAME:PASSWORD")
        credentials = (name, password)
    retries, delay = arguments.number("retry"), arguments.seconds("retry-delay")
    return TransportSettings(
        tls_verify=arguments.flag("tls-verify") if "tls-verify" in arguments.given else None,
        credentials=credentials,
        auth_file=_path(arguments, "authfile"),
        cert_dir=_path(arguments, "cert-dir"),
        retries=plain.retries if retries is None else retries,
        retry_delay=plain.retry_delay if delay is None else delay,
    )


def _path(arguments: Parsed, name: str) -> Path | None:
    text = arguments.text(name)
    if not text:
        return None
    from pathlib import Path  # slow to import, and rarely asked for

    return Path(text)


def timestamp(arguments: Parsed) -> Timestamp | None:
    """--timestamp; else --source-date-epoch, SOURCE_DATE_EPOCH as --build-arg or ours."""
    if arguments.number("timestamp") is not None:
        return Timestamp(_number(arguments, "timestamp"))
    if arguments.number("source-date-epoch") is not None:
        return Timestamp(_number(arguments, "source-date-epoch"), clamp=True)
    said = _arguments(arguments) if "build-arg" in arguments.values else {}
    text = said.get("SOURCE_DATE_EPOCH") or os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    if not text.isdecimal():
        raise InvalidArgument(f"SOURCE_DATE_EPOCH={text}: it must be seconds since the epoch")
    return Timestamp(int(text), clamp=True)


def secret(text: str) -> Secret:
    """`id=ID[,src=FILE|,env=NAME][,type=file|env]`. Raises InvalidArgument, NotFound."""
    found = dict(word.partition("=")[::2] for word in text.split(","))
    identity = found.pop("id", "")
    kind = found.pop("type", "")
    path = found.pop("src", found.pop("source", ""))
    name = found.pop("env", "")
    if not identity or found or kind not in ("", "file", "env"):
        raise InvalidArgument(
            f"incorrect secret {text!r}", remedy="As in --secret id=ID,src=FILE or id=ID,env=NAME"
        )
    if kind == "env" or (not path and not kind and (name or identity in os.environ)):
        variable = name or path or identity
        if variable not in os.environ:
            raise NotFound(f"--secret id={identity}: {variable} is not in the environment")
        return Secret(identity, os.environb[os.fsencode(variable)])
    try:
        with open(path or identity, "rb") as file:
            return Secret(identity, file.read())
    except OSError as error:
        raise NotFound(f"--secret id={identity}: {path or identity}: {error.strerror}") from None


def _ssh(text: str) -> tuple[str, str]:
    """`default` or `ID=SOCKET`; without a socket, that of SSH_AUTH_SOCK."""
    import stat

    identity, _, path = text.partition("=")
    path = path or os.environ.get("SSH_AUTH_SOCK", "")
    try:
        is_socket = stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        raise NotFound(f"--ssh {text}: no agent's socket at {path or 'SSH_AUTH_SOCK'}") from None
    if not is_socket:
        raise NotSupported(
            f"--ssh {text}: keys are not read", remedy="Give the socket of an agent: ssh-agent(1)"
        )
    return identity or "default", os.path.abspath(path)


def template(arguments: Parsed) -> ContainerRequest:
    """What all of RUN's containers have."""
    proxies: dict[str, str] = {}
    if arguments.flag("http-proxy"):
        for name in (*_PROXIES, *(name.upper() for name in _PROXIES)):
            if name in os.environ:
                proxies[name] = os.environ[name]
    return ContainerRequest(
        env=proxies,
        network=arguments.text("network") or arguments.text("net"),
        add_hosts=arguments.texts("add-host"),
        no_hosts=arguments.flag("no-hosts"),
        dns=arguments.texts("dns"),
        dns_search=arguments.texts("dns-search"),
        dns_options=arguments.texts("dns-option"),
        cap_add=arguments.texts("cap-add"),
        cap_drop=arguments.texts("cap-drop"),
        cgroup=arguments.text("cgroupns"),
        cgroup_parent=arguments.text("cgroup-parent"),
        uts=arguments.text("uts"),
        ipc=arguments.text("ipc"),
        pid=arguments.text("pid"),
        userns=arguments.text("userns"),
        security_options=arguments.texts("security-opt"),
        ulimits=arguments.texts("ulimit"),
        shm_size=_size(arguments, "shm-size"),
        devices=tuple(device(text) for text in arguments.texts("device")),
        mounts=tuple(volume(text) for text in arguments.texts("volume")),
        resources=Resources(
            memory=_size(arguments, "memory"),
            memory_swap=_size(arguments, "memory-swap"),
            cpu_period=arguments.number("cpu-period"),
            cpu_quota=arguments.number("cpu-quota"),
            cpu_shares=arguments.number("cpu-shares"),
            cpuset_cpus=arguments.text("cpuset-cpus"),
            cpuset_mems=arguments.text("cpuset-mems"),
        ),
    )


def _size(arguments: Parsed, name: str) -> int | None:
    text = arguments.text(name)
    if not text:
        return None
    return -1 if text == "-1" else parse_size(text)


def device(text: str) -> Device:
    """`HOST[:CONTAINER[:rwm]]`. Raises InvalidArgument."""
    parts = text.split(":")
    if not parts[0] or len(parts) > 3:
        raise InvalidArgument(f"invalid device specification: {text}")
    if len(parts) == 2 and set(parts[1]) <= set("rwm"):
        return Device(parts[0], "", parts[1])
    return Device(*parts)


def volume(text: str) -> Mount:
    """`HOST-DIR:CONTAINER-DIR[:OPTIONS]`. Raises InvalidArgument."""
    source, _, rest = text.partition(":")
    destination, _, words = rest.partition(":")
    if not source.startswith(("/", ".")) or not destination.startswith("/"):
        raise InvalidArgument(
            f"incorrect volume format {text!r}", remedy="HOST-DIR:CONTAINER-DIR[:OPTIONS]"
        )
    given = tuple(word for word in words.split(",") if word)
    return Mount("bind", os.path.normpath(destination), os.path.abspath(source), given)
