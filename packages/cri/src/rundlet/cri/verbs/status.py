"""`rundlet-cri status`: what a server tells of itself (CRI-O's `crio status`), and this node.

Without a word it needs no server: the node's conditions and runtime handlers as JSON.
"""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed

_WORDS = {
    "info": ("info", "i"),
    "config": ("config", "c"),
    "containers": ("containers", "container", "cs", "s"),
    "goroutines": ("goroutines", "g"),
    "heap": ("heap", "hp"),
}
VERB = Verb(
    name="status",
    summary="Tell whether pods can be run here; or of a server: its configuration, a container",
    usage=f"[options] [{'|'.join(_WORDS)}]",
    options=(
        Option("socket", "s", "Unix socket of the server", metavar="path", completes="files"),
        Option("id", "i", "Id of the container (or sandbox)"),
    ),
    arguments=Arguments(maximum=1),
    run="rundlet.cri.verbs.status:run",
    examples=("rundlet-cri status", "rundlet-cri status config", "rundlet-cri status s -i ID"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print it; exit code 0 also when a condition of the node is not met, as crictl's."""
    import json

    from rundlet.core.errors import UsageError

    from ..http.client import get

    if not arguments.arguments:
        return _node(context)
    (word,) = arguments.arguments
    what = next((name for name, words in _WORDS.items() if word in words), "")
    if not what:
        raise UsageError(f"status {word}: not one of {', '.join(_WORDS)}")
    socket = _socket(context, arguments)
    if what == "containers":
        if not arguments.text("id"):
            raise UsageError("status containers needs the id of a container", remedy="--id ID")
        found = json.loads(get(socket, f"/containers/{arguments.text('id')}"))
        context.print(_container(found), end="")
    elif what == "info":
        context.print(_info(json.loads(get(socket, "/info"))), end="")
    else:
        path = "/config" if what == "config" else f"/debug/{what}"
        context.print(get(socket, path).decode(), end="")
    return 0


def _node(context: Context) -> int:
    import json

    from ..conditions import conditions, handlers
    from ..config.setup import NodeEngine, read

    with NodeEngine(read(context.options)) as engine:
        document = {
            "status": {"conditions": [one.as_dict() for one in conditions(engine)]},
            "runtimeHandlers": handlers(engine),
        }
    context.print(json.dumps(document, indent=2))
    return 0


def _socket(context: Context, arguments: Parsed) -> str:
    from ..config.load import load

    named = arguments.text("socket") or load(context.options).text("crio.api.listen")
    return named.removeprefix("unix://")


def _info(found: dict[str, Any]) -> str:
    lines = [
        f"cgroup driver: {found['cgroup_driver']}",
        f"storage driver: {found['storage_driver']}",
        f"storage image: {found['storage_image']}",
        f"storage root: {found['storage_root']}",
    ]
    for name, kind in (("GID", "gids"), ("UID", "uids")):
        lines.append(f"default {name} mappings (format <container>:<host>:<size>):")
        lines += [
            f"  {one['container_id']}:{one['host_id']}:{one['size']}"
            for one in found["default_id_mappings"][kind]
        ]
    return "\n".join(lines) + "\n"


def _container(found: dict[str, Any]) -> str:
    from datetime import UTC, datetime

    created = datetime.fromtimestamp(found["created_time"] / 1e9, UTC).isoformat()
    lines = [
        f"name: {found['name']}",
        f"pid: {found['pid']}",
        f"image: {found['image']}",
        f"image ref: {found['image_ref']}",
        f"created: {created}",
    ]
    for title in ("labels", "annotations", "CRI-O annotations"):
        lines.append(f"{title}:")
        pairs = found[title.lower().replace("-o", "o").replace(" ", "_")]
        lines += [f"  {key}: {value}" for key, value in sorted(pairs.items())]
    return "\n".join(
        [
            *lines,
            f"log path: {found['log_path']}",
            f"root: {found['root']}",
            f"sandbox: {found['sandbox']}",
            f"ips: {', '.join(found['ip_addresses'])}",
            "",
        ]
    )
