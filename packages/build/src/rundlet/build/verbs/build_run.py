"""What `build` does with its words."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager

from rundlet.build.context import locations
from rundlet.build.execute import outputs
from rundlet.build.execute.build import build
from rundlet.build.execute.options import BuildOptions
from rundlet.build.execute.progress import Progress, SplitProgress, log_file
from rundlet.build.execute.source_policy import SourcePolicy, load
from rundlet.build.ssh.given import agent
from rundlet.core.errors import UsageError
from rundlet.core.verbs.encryption import encryption

from . import build_refused
from .template import engine_with_flags, secret, template
from .transport import platforms, pull_policy, transport_settings
from .values import (
    build_arguments,
    file_timestamp,
    from_environment,
    image_annotations,
    image_format,
    isolation,
    pairs,
    sbom,
    writing,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.state.images import Image


def run(context: Context, arguments: Parsed) -> int:
    """Build; prints the image's ID. With BUILDAH_LAYERS=true as with --layers.

    --squash is buildah's: one layer, with what the base has.
    """
    wanted = options(context, arguments, layers=_layers(arguments, ""))
    return _run(context, arguments, wanted.replace(squash_all=wanted.squash or wanted.squash_all))


def run_layers(context: Context, arguments: Parsed) -> int:
    """`rundlet build`: with --layers unless told otherwise, as podman has it.

    --squash is podman's: one layer over those of the base.
    """
    wanted = options(context, arguments, layers=_layers(arguments, "true"))
    return _run(context, arguments, wanted.replace(layers=wanted.layers and not wanted.squash))


def _layers(arguments: Parsed, default: str) -> bool:
    if arguments.flag("explain"):
        return True
    if "layers" in arguments.given:
        return arguments.flag("layers")
    return os.environ.get("BUILDAH_LAYERS", default).lower() in ("1", "true", "yes")


def _run(context: Context, arguments: Parsed, wanted: BuildOptions) -> int:
    with _log(context, arguments) as progress:
        images = build(context.engine, wanted, progress=progress, stdin=sys.stdin.buffer)
    _write_ids(arguments, images)
    if not wanted.outputs or any(out["dest"] != "-" for out in wanted.outputs):
        for image in images:
            context.print(image.id)
    if arguments.text("metadata-file"):
        outputs.write_metadata(context.engine, arguments.text("metadata-file"), images[-1])
    return 0


def _write_ids(arguments: Parsed, images: list[Image]) -> None:
    """--iidfile and --iidfile-raw. Raises StoreError."""
    for option, prefix in (("iidfile", "sha256:"), ("iidfile-raw", "")):
        path = arguments.text(option)
        if path:
            outputs.write_id(f"--{option}", path, f"{prefix}{images[-1].id}")


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


def options(context: Context, arguments: Parsed, *, layers: bool) -> BuildOptions:
    """The words as a value. Raises UsageError, InvalidArgument, NotFound."""
    build_refused.check(arguments)
    _check(arguments)
    ttl = arguments.seconds("cache-ttl")
    engine = engine_with_flags(context, arguments)  # by the first who asks for one
    return BuildOptions(
        context=arguments.arguments[0] if arguments.arguments else ".",
        files=arguments.texts("file"),
        names=arguments.texts("tag"),
        manifest_list=arguments.text("manifest"),
        target=arguments.text("target"),
        base=arguments.text("from"),
        arguments=build_arguments(arguments),
        contexts=tuple(locations.named(text) for text in arguments.texts("build-context")),
        ignore_file=arguments.text("ignorefile"),
        platforms=platforms(arguments),
        pull=pull_policy(arguments),
        settings=transport_settings(arguments),
        layers=layers,
        cache=not arguments.flag("no-cache") and ttl != 0,
        cache_ttl=ttl,
        cache_from=arguments.texts("cache-from"),
        cache_to=arguments.texts("cache-to"),
        explain=arguments.flag("explain"),
        squash=arguments.flag("squash"),
        squash_all=arguments.flag("squash-all"),
        docker=image_format(arguments, engine.settings) == "docker",
        timestamp=file_timestamp(arguments),
        labels=(*_identity(arguments), *pairs(arguments, "label")),
        annotations=image_annotations(arguments),
        environment=_environment(arguments),
        unset_environment=arguments.texts("unsetenv"),
        unset_labels=arguments.texts("unsetlabel"),
        unset_annotations=arguments.texts("unsetannotation"),
        layer_labels=pairs(arguments, "layer-label"),
        inherit_labels=arguments.flag("inherit-labels"),
        inherit_annotations=arguments.flag("inherit-annotations"),
        os_version=arguments.text("os-version"),
        os_features=arguments.texts("os-feature"),
        cpp_flags=(*os.environ.get("BUILDAH_CPPFLAGS", "").split(), *arguments.texts("cpp-flag")),
        omit_history=arguments.flag("omit-history"),
        outputs=tuple(outputs.parse(text) for text in arguments.texts("output")),
        jobs=_number(arguments, "jobs"),
        skip_unused=arguments.flag("skip-unused-stages"),
        secrets=tuple(secret(text) for text in arguments.texts("secret")),
        ssh=dict(agent(text) for text in arguments.texts("ssh")),
        template=template(arguments, context.options),
        isolation=isolation(arguments),
        mounts=arguments.texts("mount"),
        compat_volumes=arguments.flag("compat-volumes"),
        stdin=arguments.flag("stdin"),
        quiet=arguments.flag("quiet"),
        encryption=encryption(arguments),
        source_policy=_source_policy(arguments),
        all_platforms=arguments.flag("all-platforms"),
        save_stages=arguments.flag("save-stages"),
        stage_labels=arguments.flag("stage-labels"),
        sbom=sbom(arguments),
        writing=writing(arguments),
    )


def _check(arguments: Parsed) -> None:
    """Raise UsageError for flags that do not go together."""
    if arguments.flag("squash") and arguments.flag("squash-all"):
        raise UsageError("cannot set both --squash and --squash-all")
    if arguments.flag("stage-labels") and not arguments.flag("save-stages"):
        raise UsageError("--stage-labels requires --save-stages")
    several = len(arguments.texts("platform")) > 1 or arguments.flag("all-platforms")
    for option in ("iidfile", "iidfile-raw"):
        if several and arguments.text(option):
            raise UsageError(
                f"building multiple images, but {option} {arguments.text(option)!r} can only"
                " be used to store one image ID"
            )
    if arguments.flag("all-platforms") and arguments.texts("platform"):
        raise UsageError("--all-platforms and --platform cannot be used together")


def _source_policy(arguments: Parsed) -> SourcePolicy:
    path = arguments.text("source-policy-file")
    return load(path) if path else SourcePolicy()


def _identity(arguments: Parsed) -> tuple[tuple[str, str], ...]:
    """--identity-label, where it was given: an image is else what its Containerfile says."""
    if "identity-label" not in arguments.given or not arguments.flag("identity-label"):
        return ()
    from rundlet.core import __version__

    return (("io.rundlet.version", __version__),)


def _number(arguments: Parsed, name: str) -> int:
    return arguments.number(name) or 0


def _environment(arguments: Parsed) -> tuple[tuple[str, str], ...]:
    return tuple(from_environment(arguments.texts("env")).items())
