"""`rundlet network create`: define a network (podman-network-create(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="network create",
    summary="Create networks for containers and pods",
    usage="[options] [NAME]",
    run="rundlet.cli.verbs.network_create:run",
    options=(
        Flag("disable-dns", help="Disable name resolution between containers"),
        Option("dns", help="DNS servers of this network", many=True, split=True),
        Option("driver", "d", help="Driver to manage the network", default="bridge",
               choices=("bridge", "macvlan", "ipvlan")),
        Option("gateway", help="IPv4 or IPv6 gateway for the subnet", many=True, split=True),
        Flag("ignore", help="Don't fail if the network already exists"),
        Option("interface-name", help="Name of the interface on the host"),
        Flag("internal", help="Restrict external access from this network"),
        Option("ip-range", help="Allocate container IP from range", many=True),
        Option("ipam-driver", help="IP address management driver",
               choices=("host-local", "dhcp", "none")),
        Flag("ipv6", help="Enable IPv6 networking"),
        Option("label", help="Set metadata on a network", many=True),
        Option("opt", "o", help="Set driver specific options", many=True),
        Option("route", help="Static routes (destination,gateway|type[,metric])", many=True),
        Option("subnet", help="Subnets in CIDR format", many=True),
    ),
    arguments=Arguments(maximum=1, completes="none"),
    examples=("rundlet network create web", "rundlet network create --subnet 10.5.0.0/24 db"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Define it and print its name."""
    from rundlet.core.contracts.network import Network
    from rundlet.core.errors import AlreadyExists

    from ..request.environment import key_values

    name = arguments.arguments[0] if arguments.arguments else ""
    wanted = Network(
        name=name,
        driver=arguments.text("driver"),
        interface=arguments.text("interface-name"),
        subnets=_subnets(arguments),
        internal=arguments.flag("internal"),
        ipv6=arguments.flag("ipv6"),
        dns_enabled=not arguments.flag("disable-dns"),
        labels=key_values(arguments.texts("label"), bare=True),
        options={**key_values(arguments.texts("opt"), "option", bare=True), **_extra(arguments)},
    )
    try:
        context.print(context.engine.networks.create(wanted).name)
    except AlreadyExists:
        if not arguments.flag("ignore"):
            raise
        context.print(name)
    return 0


def _subnets(arguments: Parsed) -> tuple[Mapping[str, str], ...]:
    """--subnet, --gateway and --ip-range belong together by their position."""
    from rundlet.core.errors import InvalidArgument

    subnets = arguments.texts("subnet")
    gateways, ranges = arguments.texts("gateway"), arguments.texts("ip-range")
    for gateway in filter(None, gateways):
        _check_address("gateway", gateway)
    if not subnets and (gateways or ranges):
        raise InvalidArgument("cannot set gateway or range without subnet")
    for name, values in (("gateways", gateways), ("ranges", ranges)):
        if len(values) > len(subnets):
            raise InvalidArgument(f"cannot set more {name} than subnets")
    found = []
    for number, subnet in enumerate(subnets):
        one = {"subnet": subnet}
        if number < len(gateways) and gateways[number]:
            one["gateway"] = gateways[number]
        if number < len(ranges) and ranges[number]:
            one["ip_range"] = ranges[number]
        found.append(one)
    return tuple(found)


def _check_address(flag: str, text: str) -> None:
    from ipaddress import ip_address

    from rundlet.core.errors import InvalidArgument

    try:
        ip_address(text)
    except ValueError:
        raise InvalidArgument(
            f'invalid argument "{text}" for "--{flag}" flag: invalid string being converted to'
            f" IP address: {text}"
        ) from None


def _extra(arguments: Parsed) -> dict[str, str]:
    """What podman has as fields of its own and the contract as options."""
    found = {}
    if arguments.text("ipam-driver"):
        found["ipam"] = arguments.text("ipam-driver")
    if arguments.texts("route"):
        found["routes"] = ";".join(arguments.texts("route"))
    if arguments.texts("dns"):
        found["dns"] = ",".join(arguments.texts("dns"))
    return found
