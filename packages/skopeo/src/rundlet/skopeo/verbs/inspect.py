"""`rundlet-skopeo inspect`: what an image is, without pulling it (skopeo-inspect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..places import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.contracts.transport import ImageSource, ManifestBytes
    from rundlet.core.images.manifest import Manifest

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
        Option("retry-times", help="The number of times to possibly retry", kind="uint"),
        *options(),
    ),
    arguments=Arguments(minimum=1, maximum=1),
    examples=("rundlet-skopeo inspect docker://localhost:5000/busybox",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the document, or with --raw the bytes as they are."""
    from ..places import located, platform, settings

    transport, location = located(context, arguments.arguments[0])
    with transport.source(location, settings(context, arguments)) as source:
        top = source.manifest()
        if arguments.flag("raw") and not arguments.flag("config"):
            _print_raw(context, top.data)
            return 0
        manifest = _one(source, top, platform(context))
        config = _config(source, manifest)
        if arguments.flag("config"):
            _print_config(context, arguments, config)
            return 0
        tags = () if arguments.flag("no-tags") else _tags(source)
        _print(context, arguments, _document(location.name, top, manifest, config, tags))
    return 0


def _one(source: ImageSource, top: ManifestBytes, platform: Any) -> Manifest:
    """The image for the platform, out of an index."""
    from rundlet.core.errors import Corrupt
    from rundlet.core.images import manifest as manifests
    from rundlet.core.images.copy import check_digest

    document = manifests.parse(top.data, top.media_type)
    if isinstance(document, manifests.Manifest):
        return document
    chosen = manifests.choose(document, platform)
    data = source.manifest(chosen.digest)
    check_digest("manifest", data.data, chosen.digest)
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
    name: str, top: ManifestBytes, manifest: Manifest, config: bytes, tags: Sequence[str]
) -> dict[str, Any]:
    """skopeo's document, key by key."""
    from rundlet.core.images import config as configs
    from rundlet.core.images.copy import digest_of

    parsed = configs.parse(config)
    repository = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
    return {
        "Name": repository.partition("@")[0],
        "Digest": digest_of(top.data),
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


def _print(context: Context, arguments: Parsed, document: dict[str, Any]) -> None:
    from rundlet.core.format.output import pretty, rows

    form = arguments.text("format")
    context.print(rows([document], form), end="") if form else context.print(pretty(document))


def _print_config(context: Context, arguments: Parsed, config: bytes) -> None:
    import json

    from rundlet.core.errors import Corrupt

    if arguments.flag("raw"):
        _print_raw(context, config)
        return
    try:
        _print(context, arguments, json.loads(config))
    except ValueError:
        raise Corrupt("the image's config is not JSON") from None


def _print_raw(context: Context, data: bytes) -> None:
    context.stdout.flush()
    context.stdout.buffer.write(data)
    context.stdout.buffer.flush()
