"""Words of `build` and `commit` as values: times, arguments, pairs."""

from __future__ import annotations

import os
import time

from rundlet.build.execute.options import Timestamp, Writing
from rundlet.core.errors import InvalidArgument, NotFound, UsageError
from rundlet.core.format.times import rfc3339
from rundlet.core.verbs.encryption import encryption
from rundlet.core.verbs.signing import signing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.build.execute.sbom import SbomOrder
    from rundlet.core.commands.context import Parsed
    from rundlet.core.settings.snapshot import Settings


def timestamp(arguments: Parsed) -> Timestamp | None:
    """--timestamp; else --source-date-epoch, SOURCE_DATE_EPOCH as --build-arg or ours."""
    if arguments.number("timestamp") is not None:
        return Timestamp(arguments.number("timestamp") or 0)
    if arguments.number("source-date-epoch") is not None:
        return Timestamp(arguments.number("source-date-epoch") or 0, clamp=True)
    said = build_arguments(arguments) if "build-arg" in arguments.values else {}
    text = said.get("SOURCE_DATE_EPOCH") or os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    if not text.isdecimal():
        raise InvalidArgument(f"SOURCE_DATE_EPOCH={text}: it must be seconds since the epoch")
    return Timestamp(int(text), clamp=True)


def file_timestamp(arguments: Parsed) -> Timestamp | None:
    """As `timestamp`, with --rewrite-timestamp."""
    found = timestamp(arguments)
    if found is None or found.clamp is False:
        return found
    return found.replace(files=arguments.flag("rewrite-timestamp"))


def image_annotations(arguments: Parsed) -> dict[str, str]:
    """--created-annotation and --annotation."""
    found = {}
    if arguments.flag("created-annotation"):
        at = timestamp(arguments)
        now = time.time_ns() if at is None else at.seconds * 1_000_000_000
        found["org.opencontainers.image.created"] = rfc3339(now)
    return {**found, **dict(pairs(arguments, "annotation"))}


def build_arguments(arguments: Parsed) -> dict[str, str]:
    """--build-arg-file, then --build-arg; a name alone takes the value of our environment."""
    found: dict[str, str] = {}
    for path in arguments.texts("build-arg-file"):
        try:
            with open(path, encoding="utf-8") as file:
                lines = [line.strip() for line in file]
        except OSError as error:
            raise NotFound(f"--build-arg-file {path}: {error.strerror}") from None
        words = [line for line in lines if line and not line.startswith("#")]
        found.update(from_environment(words))
    found.update(from_environment(arguments.texts("build-arg")))
    return found


def from_environment(words: tuple[str, ...] | list[str]) -> dict[str, str]:
    """NAME=VALUE, or a NAME whose value is that of our environment, if it has one."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            found[name] = value
        elif name in os.environ:
            found[name] = os.environ[name]
    return found


def pairs(arguments: Parsed, name: str) -> tuple[tuple[str, str], ...]:
    """NAME[=VALUE] of an option that may be given often."""
    found = (text.partition("=") for text in arguments.texts(name))
    return tuple((key, value) for key, _, value in found)


def image_format(arguments: Parsed, settings: Settings) -> str:
    """--format, or BUILDAH_FORMAT, or image_default_format; "" for none. Raises UsageError."""
    if "format" in arguments.given:
        return arguments.text("format")
    found = os.environ.get("BUILDAH_FORMAT", "")
    if found not in ("", "oci", "docker"):
        raise UsageError(f"unrecognized image type {found!r} in BUILDAH_FORMAT")
    docker = settings.image_default_format.startswith("v2s")
    return found or ("docker" if docker else settings.image_default_format)


def isolation(arguments: Parsed) -> str:
    """--isolation, or BUILDAH_ISOLATION; oci. Raises UsageError."""
    found = arguments.text("isolation") or os.environ.get("BUILDAH_ISOLATION") or "oci"
    if found not in ("oci", "rootless", "chroot"):
        raise UsageError(f"unrecognized isolation type {found!r} in BUILDAH_ISOLATION")
    return found


def writing(arguments: Parsed) -> Writing:
    """--compression-format and its like, --sign-by, --encryption-key.

    Raises UsageError, InvalidArgument.
    """
    force = "compression-format" in arguments.given
    if "force-compression" in arguments.given:
        force = arguments.flag("force-compression")
    return Writing(
        arguments.text("compression-format"),
        arguments.number("compression-level"),
        force,
        signing(arguments),
        encryption(arguments) if "encryption-key" in arguments.values else None,
    )


def sbom(arguments: Parsed) -> SbomOrder | None:
    """What --sbom and its like ask for. Raises UsageError."""
    if not any(name.startswith("sbom") for name in arguments.given):
        return None
    from rundlet.build.execute.sbom import ordered

    words = ("scanner-image", "merge-strategy", "output", "purl-output", "image-output",
             "image-purl-output")  # fmt: skip
    return ordered(
        arguments.text("sbom"),
        {word: arguments.text(f"sbom-{word}") for word in words},
        arguments.texts("sbom-scanner-command"),
    )
