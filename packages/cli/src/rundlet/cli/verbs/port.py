"""`rundlet port`: published ports of containers (podman-port(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.state.containers import Container

VERB = Verb(
    name="port",
    summary="List port mappings or a specific mapping for the container",
    usage="[options] CONTAINER [PORT]",
    run="rundlet.cli.verbs.port:run",
    options=(Flag("all", "a", help="Display port information for all containers"), LATEST),
    arguments=Arguments(maximum=2, completes="running"),
    examples=("rundlet port web", "rundlet port web 80/tcp"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print "80/tcp -> 0.0.0.0:8080" lines, or for one port where it is published."""
    from rundlet.core.errors import InvalidArgument, UsageError

    containers = context.engine.containers
    if arguments.flag("all"):
        if arguments.arguments:
            raise UsageError("no additional arguments can be used with -a")
        for row in containers.list():
            for inside, outside in _published(containers.get(row.id)):
                context.print(f"{row.id[:12]}\t{inside} -> {outside}")
        return 0
    name, wanted = _words(context, arguments)
    published = list(_published(containers.get(name)))
    if not wanted:
        for inside, outside in published:
            context.print(f"{inside} -> {outside}")
        return 0
    inside_port = _port(wanted)
    found = [outside for inside, outside in published if inside == inside_port]
    if published and not found:  # as podman: of a container that publishes nothing, nothing
        raise InvalidArgument(f'failed to find published port "{wanted}"')
    for outside in found:
        context.print(outside)
    return 0


def _port(text: str) -> str:
    """ "80/tcp" for "80" and for "80/tcp". Raises InvalidArgument."""
    from rundlet.core.errors import InvalidArgument

    number, slash, protocol = text.partition("/")
    if not number.isdecimal() or (slash and protocol not in ("tcp", "udp", "sctp")):
        raise InvalidArgument(f"port formats are port/protocol. '{text}' is invalid")
    return f"{int(number)}/{protocol or 'tcp'}"


def _words(context: Context, arguments: Parsed) -> tuple[str, str]:
    from rundlet.core.errors import UsageError

    words = list(arguments.arguments)
    if arguments.flag("latest"):
        rows = context.engine.containers.list()
        words = [*(row.id for row in rows[-1:]), *words]
    if not words:
        raise UsageError("you must supply a container name or id")
    return words[0], words[1] if len(words) > 1 else ""


def _published(row: Container) -> Iterator[tuple[str, str]]:
    from rundlet.core.containers.stored import network_of, request_of

    joined = network_of(row.network)
    ports = joined.result.ports if joined and joined.result else request_of(row.request).ports
    for port in ports:
        for offset in range(port.size):
            inside = f"{port.container_port + offset}/{port.protocol}"
            yield inside, f"{port.host_ip or '0.0.0.0'}:{port.host_port + offset}"
