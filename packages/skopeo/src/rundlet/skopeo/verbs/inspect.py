"""`rundlet-skopeo inspect`: what an image is, without pulling it (skopeo-inspect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.value import EMPTY

from ..places import options
from ..retrying import OPTIONS as RETRY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.contracts.transport import ImageSource, Location, ManifestBytes
    from rundlet.core.images.manifest import Manifest

_OTHER_NAMES = ("oci", "oci-archive")
"""Transports whose names are not docker's references."""

VERB = Verb(
    name="inspect",
    summary="Inspect image IMAGE-NAME",
    usage="[options] IMAGE-NAME",
    description="Prints low-level information about an image of any transport.",
    run="rundlet.skopeo.verbs.inspect:run",
    options=(
        Flag("config", help="Output configuration"),
        Option("format", "f", help="Format the output to a Go template"),
        Flag("no-tags", "n", help="Do not list the available tags from the repository"),
        Flag("raw", help="Output raw manifest or configuration"),
        *RETRY,
        *options(),
    ),
    arguments=Arguments(minimum=1, maximum=1),
    examples=("rundlet-skopeo inspect docker://localhost:5000/busybox",),
)

_IMAGE_FIELDS = {
    "Created": "created",
    "Author": "author",
    "Architecture": "architecture",
    "Variant": "variant",
    "OS": "os",
    "OSVersion": "os.version",
}
_HISTORY_FIELDS = {
    "Created": "created",
    "CreatedBy": "created_by",
    "Author": "author",
    "Comment": "comment",
}
_NO_CONFIG: dict[str, Any] = {
    **dict.fromkeys(("User", "WorkingDir", "StopSignal"), ""),
    **dict.fromkeys(("Env", "Entrypoint", "Cmd"), ()),
    **dict.fromkeys(("ExposedPorts", "Volumes", "Labels"), EMPTY),
}


def run(context: Context, arguments: Parsed) -> int:
    """Print the document, or with --raw the bytes as they are."""
    from ..retrying import retried
    from ..running import running

    with running(context):
        shown = retried(context, arguments, lambda: _inspected(context, arguments))
    if isinstance(shown, bytes):
        _print_raw(context, shown)
    else:
        _print(context, arguments, shown)
    return 0


def _inspected(context: Context, arguments: Parsed) -> dict[str, Any] | bytes:
    """The document that was asked for, or raw bytes."""
    from rundlet.core.images.schema1 import described, is_schema1

    from ..places import located, platform, settings

    transport, location = located(context, arguments.arguments[0])
    with transport.source(location, settings(context, arguments)) as source:
        top = source.manifest()
        if arguments.flag("raw") and not arguments.flag("config"):
            return top.data
        if is_schema1(top.data):
            manifest, config = described(top.data)
        else:
            manifest = _one(source, top, platform(context))
            config = _config(source, manifest)
        if arguments.flag("config"):
            return config if arguments.flag("raw") else _parsed(config)
        tags = () if arguments.flag("no-tags") else _tags(source)
        return _document(location, top, manifest, config, tags)


def _one(source: ImageSource, top: ManifestBytes, platform: Any) -> Manifest:
    """The image for the platform, out of an index."""
    from rundlet.core.errors import Corrupt
    from rundlet.core.images import manifest as manifests
    from rundlet.core.images import platforms
    from rundlet.core.images.digests import check_manifest

    document = manifests.parse(top.data, top.media_type)
    if isinstance(document, manifests.Manifest):
        return document
    chosen = platforms.choose(document, platform)
    data = source.manifest(chosen.digest)
    check_manifest(data.data, chosen.digest)
    found = manifests.parse(data.data, data.media_type or chosen.media_type)
    if not isinstance(found, manifests.Manifest):
        raise Corrupt("an index inside an index is no image")
    return found


def _config(source: ImageSource, manifest: Manifest) -> bytes:
    from rundlet.core.content.verify import Verified

    with source.blob(manifest.config) as stream:
        return Verified(stream, manifest.config, "config").read()


def _tags(source: ImageSource) -> Sequence[str]:
    from rundlet.core.errors import NotFound, NotSupported, Unauthorized

    try:
        return source.tags() if source.location.transport == "docker" else ()
    except (NotSupported, NotFound, Unauthorized):
        return ()  # not every registry lets everyone list them


def _document(
    location: Location,
    top: ManifestBytes,
    manifest: Manifest,
    config: bytes,
    tags: Sequence[str],
) -> dict[str, Any]:
    """skopeo's document, key by key. Only images that have a docker-style name show it."""
    from rundlet.core.images import config as configs
    from rundlet.core.images import reference as references
    from rundlet.core.images.schema1 import manifest_digest

    parsed = configs.parse(config)
    name = "" if location.transport in _OTHER_NAMES else location.name
    named = {"Name": references.parse(name).repository} if name else {}
    if tag := manifest.document.get("tag"):  # of schema 1
        named["Tag"] = str(tag)
    return {
        **named,
        "Digest": manifest_digest(top.data),
        "RepoTags": list(tags),
        "Created": parsed.document.get("created"),
        "DockerVersion": str(parsed.document.get("docker_version") or ""),
        "Labels": parsed.config.get("Labels"),
        "Architecture": parsed.architecture,
        "Os": parsed.os,
        "Layers": [layer.digest for layer in manifest.layers],
        "LayersData": [
            {
                "MIMEType": layer.media_type,
                "Digest": layer.digest,
                "Size": layer.size,
                "Annotations": dict(layer.annotations) or None,
            }
            for layer in manifest.layers
        ],
        "Env": parsed.config.get("Env"),
    }


def _parsed(config: bytes) -> dict[str, Any]:
    """A config as it is shown. Raises Corrupt."""
    import json

    from rundlet.core.errors import Corrupt

    try:
        document = json.loads(config)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Corrupt("the image's config is no JSON object")
    return document


def _print(context: Context, arguments: Parsed, document: dict[str, Any]) -> None:
    from rundlet.core.format.output import pretty, rows

    form = arguments.text("format")
    if form in ("", "json"):
        context.print(pretty(document))
        return
    named = _go_named(document) if arguments.flag("config") else document
    context.print(rows([named], form), end="")


def _go_named(config: dict[str, Any]) -> dict[str, Any]:
    """A config's fields as templates name them: those of image-spec's Go structures."""
    rootfs, history = config.get("rootfs") or {}, config.get("history") or ()
    return {
        **{name: config.get(key) or "" for name, key in _IMAGE_FIELDS.items()},
        "Config": {**_NO_CONFIG, **(config.get("config") or {})},
        "RootFS": {"Type": rootfs.get("type"), "DiffIDs": rootfs.get("diff_ids") or []},
        "History": [
            {
                "EmptyLayer": bool(step.get("empty_layer")),
                **{name: step.get(key) or "" for name, key in _HISTORY_FIELDS.items()},
            }
            for step in history
        ],
    }


def _print_raw(context: Context, data: bytes) -> None:
    context.stdout.flush()
    context.stdout.buffer.write(data)
    context.stdout.buffer.flush()
