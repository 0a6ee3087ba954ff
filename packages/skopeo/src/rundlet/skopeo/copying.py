"""One copy as the command line asks for it: what `copy` and `sync` have in common."""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Option
from rundlet.core.verbs.signing import OPTIONS as SIGNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.contracts.transport import (
        ImageTransport,
        Location,
        Platform,
        TransportSettings,
    )
    from rundlet.core.images.copy import CopyOptions
    from rundlet.core.images.copy_image import Copied
    from rundlet.core.images.progress import Progress
    from rundlet.core.trust.policy import Policy

    from .known import KnownBlobs

OPTIONS: tuple[Flag | Option, ...] = (
    Flag("all", "a", help="Copy all images if SOURCE-IMAGE is a list"),
    Option("format", "f", help="Manifest type to use in the destination",
           choices=("oci", "v2s1", "v2s2")),
    Flag("preserve-digests", help="Fail if a digest would have to change"),
    Flag("remove-signatures", help="Do not copy signatures from SOURCE-IMAGE"),
    *SIGNING,
)  # fmt: skip


class End:
    """One end of a copy: a transport, a place in it, and how to get there."""

    def __init__(
        self, transport: ImageTransport, location: Location, settings: TransportSettings
    ) -> None:
        self.transport = transport
        self.location = location
        self.settings = settings

    def __str__(self) -> str:
        return str(self.location)

    @property
    def repository(self) -> str:
        """ "host/path" where it is one of a registry, else ""."""
        if self.transport.name != "docker":
            return ""
        from rundlet.core.images.reference import parse

        return parse(self.location.name).repository


def copied(
    source: End,
    target: End,
    options: CopyOptions,
    progress: Progress,
    known: KnownBlobs,
    policy: Policy,
    more: Iterable[Location] = (),
) -> Copied:
    """Copy an image that the policy allows, and again to `more` places in the same archive.

    Raises DeniedByPolicy, and as images.copy.
    """
    from contextlib import ExitStack

    from rundlet.core.images.copy import copy
    from rundlet.core.trust.policy import guard

    options = options.replace(allow=guard(policy, source.location))
    shared = {"blob_locations": known.beside(source.repository), "blob_paths": known.paths}
    settings = target.settings.replace(options={**target.settings.options, **shared})
    with ExitStack() as stack:
        origin = stack.enter_context(source.transport.source(source.location, source.settings))
        first = stack.enter_context(target.transport.destination(target.location, settings))
        others = [stack.enter_context(first.another(location)) for location in more]
        found = copy(origin, first, options, progress)
        for other in others:
            copy(origin, other, options)
    return found


def copy_options(context: Context, arguments: Parsed, target: ImageTransport) -> CopyOptions:
    """What the options of `copy` or `sync` say. Raises UsageError where they contradict."""
    from rundlet.core.images.copy import CopyOptions
    from rundlet.core.images.plan import Wishes
    from rundlet.core.verbs.encryption import encryption
    from rundlet.core.verbs.signing import signing

    from .places import platform

    values = arguments.values
    _refuse_contradictions(arguments)
    directory = target.name == "dir"
    for name in ("dest-compress", "dest-decompress"):
        if values.get(name) and not directory:
            context.warn(f"--{name} can only be used if the destination transport is 'dir'")
    several = str(values.get("multi-arch") or "")
    platforms = _platforms(several)
    compression = str(values.get("dest-compress-format") or "")
    level = values.get("dest-compress-level")
    if directory and values.get("dest-compress"):
        compression = compression or "gzip"
    return CopyOptions(
        platform=platform(context),
        all_instances=arguments.flag("all") or several == "all" or bool(platforms),
        index_only=several == "index-only",
        platforms=platforms,
        strip=bool(values.get("strip-removed-platforms")),
        keep=arguments.flag("preserve-digests"),
        wishes=Wishes(
            format=arguments.text("format"),
            compression=compression,
            force=bool(compression),
            level=None if level is None else int(str(level)),
            plain=directory and bool(values.get("dest-decompress")),
        ),
        parallel=int(str(values.get("image-parallel-copies") or 0)),
        signatures=not arguments.flag("remove-signatures"),
        signing=signing(arguments),
        encryption=encryption(arguments),
        precompute=bool(values.get("dest-precompute-digests")) and target.name == "docker",
        temporary=context.options.text("tmpdir"),
    )


def _refuse_contradictions(arguments: Parsed) -> None:
    """Raise UsageError for options of `copy` or `sync` that do not go together."""
    from rundlet.core.errors import UsageError

    values = arguments.values
    several = values.get("multi-arch")
    if several and arguments.flag("all"):
        raise UsageError("Cannot use --all and --multi-arch flags together")
    if several == "index-only" and values.get("strip-removed-platforms"):
        raise UsageError(
            "requested operation filtered out all platforms and would create an empty image"
        )
    if values.get("dest-compress") and values.get("dest-decompress"):
        raise UsageError("Cannot use --dest-compress and --dest-decompress flags together")
    if values.get("dest-force-compress-format") and not values.get("dest-compress-format"):
        raise UsageError(
            "--dest-force-compress-format can only be used with --dest-compress-format"
        )


def _platforms(several: str) -> tuple[Platform, ...]:
    """The platforms of --multi-arch "linux/amd64,linux/arm64"; () for its other words.

    Raises UsageError.
    """
    from rundlet.core.contracts.transport import Platform
    from rundlet.core.errors import UsageError

    if several in ("", "system", "all", "index-only"):
        return ()
    if "/" not in several:
        raise UsageError(
            f'unknown multi-arch option "{several}". Choose one of the supported options: '
            "'system', 'all', 'index-only', or a comma-separated platform list like"
            " 'linux/amd64,linux/arm64'"
        )
    found = []
    for text in several.split(","):
        system, _, architecture = text.strip().partition("/")
        if not system or not architecture or "/" in architecture:
            raise UsageError(
                f'invalid platform format "{text.strip()}" in --multi-arch, expected'
                " OS/Architecture (e.g., linux/amd64)"
            )
        found.append(Platform(system, architecture))
    return tuple(found)


def policy_of(context: Context) -> Policy:
    """The trust policy: --policy, else the user's or the system's where there is one.

    Raises SettingsError for one that cannot be read.
    """
    from rundlet.core.trust.policy import ANYTHING, configured, load

    given = context.options.text("policy")
    if context.options.flag("insecure-policy"):
        found = ANYTHING
    else:
        found = load(given) if given else configured(context.engine.settings)
    return found.replace(signed=context.options.flag("require-signed"))
