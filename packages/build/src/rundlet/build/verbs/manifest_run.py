"""What the verbs of `manifest` do with their words."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core import Engine
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.contracts.transport import TransportSettings
    from rundlet.core.images.lists import Entry, ManifestList
    from rundlet.core.state.images import Image


def create(context: Context, arguments: Parsed) -> int:
    """Make a list of images; prints its digest without its algorithm."""
    from rundlet.core.images.lists import Lists

    name, *images = arguments.arguments
    lists = Lists(context.engine)
    pairs = (text.partition("=") for text in arguments.texts("annotation"))
    annotations = {key: value for key, _, value in pairs}
    made = lists.create(name, amend=arguments.flag("amend"), annotations=annotations)
    try:
        for text in images:
            for image in _images(context.engine, text, arguments):
                made, _ = lists.add(name, image)
    except BaseException:
        if not arguments.flag("amend"):
            lists.remove(made.id)
        raise
    context.print(made.id)
    return 0


def add(context: Context, arguments: Parsed) -> int:
    """Add images; prints the list's id and the digest that was added."""
    from rundlet.core.images.lists import Lists

    name, *images = arguments.arguments
    lists = Lists(context.engine)
    lists.get(name)
    for text in images:
        for image in _images(context.engine, text, arguments):
            made, entry = lists.add(name, image, _changes(arguments))
            context.print(f"{made.id}: {entry.digest}")
    return 0


def annotate(context: Context, arguments: Parsed) -> int:
    """Change what a list says of an image, or with --index of itself."""
    from rundlet.core.errors import UsageError
    from rundlet.core.images.lists import Lists

    name, *texts = arguments.arguments
    changes = _changes(arguments)
    if arguments.flag("index") == bool(texts):
        raise UsageError("manifest annotate needs an image of the list, or --index")
    if not texts:
        if not changes.keys() <= {"annotations"}:
            raise UsageError("a list has no platform: --index goes with --annotation alone")
        more = changes.get("annotations", {})
        made = Lists(context.engine).change(
            name, lambda known: known.replace(annotations={**known.annotations, **more})
        )
        context.print(made.id)
        return 0
    text = texts[0]

    def changed(known: ManifestList) -> ManifestList:
        wanted = _entry(context.engine, known, text)
        found = {**wanted.descriptor}
        for key, value in changes.items():
            found[key] = {**(found.get(key) or {}), **value}
        entries = [one.replace(descriptor=found) if one is wanted else one for one in known.entries]
        return known.replace(entries=tuple(entries))

    made = Lists(context.engine).change(name, changed)
    context.print(f"{made.id}: {_entry(context.engine, made, text).digest}")
    return 0


def inspect(context: Context, arguments: Parsed) -> int:
    """Print the index."""
    import json

    from rundlet.build.lists import remote
    from rundlet.core.images.lists import Lists
    from rundlet.core.images.names import split_transport
    from rundlet.core.images.reference import is_short

    from .transport import transport_settings

    name, lists = arguments.arguments[0], Lists(context.engine)
    if not split_transport(context.engine, name) and (is_short(name) or lists.exists(name)):
        document = lists.get(name).document()
    else:
        settings = transport_settings(arguments)
        if arguments.flag("insecure"):
            settings = settings.replace(tls_verify=False)
        document = remote.manifest(context.engine, name, settings)
    context.print(json.dumps(document, indent=4))
    return 0


def exists(context: Context, arguments: Parsed) -> int:
    """0 when the list is there, else 1."""
    from rundlet.core.images.lists import Lists

    return 0 if Lists(context.engine).exists(arguments.arguments[0]) else 1


def push(context: Context, arguments: Parsed) -> int:
    """Push a list; prints the digest."""
    from rundlet.build.execute.outputs import write_id
    from rundlet.core.commands.progress import shown
    from rundlet.core.images import list_push
    from rundlet.core.images.copy import CopyOptions
    from rundlet.core.images.lists import Lists
    from rundlet.core.images.plan import Wishes

    from .transport import transport_settings
    from .values import writing

    how = writing(arguments)
    options = CopyOptions(
        all_instances=arguments.flag("all"),
        index_only=not arguments.flag("all"),
        wishes=Wishes(arguments.text("format"), how.compression, how.force, how.level),
        encryption=how.encryption,
        signing=how.signing,
        signatures=not arguments.flag("remove-signatures"),
        add_compression=_additions(context, arguments),
    )
    lists = Lists(context.engine)
    known = lists.get(arguments.arguments[0])
    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        digest = list_push.push(
            context.engine,
            known,
            arguments.arguments[1] if len(arguments.arguments) > 1 else "",
            transport_settings(arguments),
            options,
            progress,
        )
    if arguments.text("digestfile"):
        write_id("--digestfile", arguments.text("digestfile"), digest)
    if arguments.flag("rm"):
        lists.remove(known.id, force=True)
    return 0


def _additions(context: Context, arguments: Parsed) -> tuple[str, ...]:
    """--add-compression, else what is configured; none for `push`, which has no such flag."""
    if "add-compression" not in arguments.values:
        return ()
    return arguments.texts("add-compression") or context.engine.settings.add_compression


def remove(context: Context, arguments: Parsed) -> int:
    """Take an image from a list; the image stays in the store."""
    from rundlet.core.images.lists import Lists

    name, text = arguments.arguments

    def without(known: ManifestList) -> ManifestList:
        entry = known.entry(text)
        return known.replace(entries=tuple(one for one in known.entries if one is not entry))

    made = Lists(context.engine).change(name, without)
    context.print(f"{made.id}: {text}")
    return 0


def remove_lists(context: Context, arguments: Parsed) -> int:
    """Remove lists; their images stay. The others go when one does not; exit code 1 where all
    that went wrong is that one is not there.
    """
    from rundlet.core.errors import NoSuchImage, RundletError
    from rundlet.core.images.lists import Lists

    from .removing import tell

    lists, code = Lists(context.engine), 0
    for name in arguments.arguments:
        try:
            removed = lists.remove(name)
        except RundletError as error:
            missing = isinstance(error, NoSuchImage)
            if not (missing and arguments.flag("ignore")):
                context.stderr.write(f"Error: {error}\n")
                code = max(code, 1 if missing else error.exit_code)
            continue
        tell(context, removed)
    return code


def _entry(engine: Engine, known: ManifestList, text: str) -> Entry:
    """An entry by its digest, its image's id or name."""
    image = engine.images.find(text)
    return known.entry(image.id if image is not None else text)


def _changes(arguments: Parsed) -> dict[str, Any]:
    """What the flags change of a descriptor."""
    platform: dict[str, Any] = {}
    texts = {"arch": "architecture", "os": "os", "os-version": "os.version", "variant": "variant"}
    for flag, key in texts.items():
        if arguments.text(flag):
            platform[key] = arguments.text(flag)
    for flag, key in {"features": "features", "os-features": "os.features"}.items():
        if arguments.texts(flag):
            platform[key] = list(arguments.texts(flag))
    pairs = (text.partition("=") for text in arguments.texts("annotation"))
    annotations = {key: value for key, _, value in pairs}
    found = {"platform": platform, "annotations": annotations}
    return {key: value for key, value in found.items() if value}


def _images(engine: Engine, text: str, arguments: Parsed) -> list[Image]:
    """An image of the store, or pulled from where its name says; with --all, of all platforms."""
    from .transport import transport_settings

    settings = transport_settings(arguments)
    if not arguments.flag("all"):
        return [engine.images.find(text) or engine.images.pull(text, settings=settings)]
    from rundlet.core.images.lists import Lists
    from rundlet.core.images.names import split_transport

    lists = Lists(engine)
    if split_transport(engine, text) is None and lists.exists(text):
        return [engine.images.get(entry.image) for entry in lists.get(text).entries]
    return _every(engine, text, settings)


def _every(engine: Engine, text: str, settings: TransportSettings) -> list[Image]:
    """The images of an index elsewhere."""
    from rundlet.build.lists.remote import platforms

    wanted = platforms(engine, text, settings)
    return [
        engine.images.pull(text, settings=settings, platform=one)
        for one in (wanted if wanted is not None else (None,))
    ]
