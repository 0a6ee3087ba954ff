"""[network], [secrets] and the tables of what is not here."""

from __future__ import annotations

from .key import Key

_N = "network"
_NETAVARK = "it is netavark's; networks are CNI's"
_ROOTLESS = "it is of rootless networks"

OTHERS = (
    Key(_N, "cni_plugin_dirs", setting="network_plugin_dirs"),
    Key(_N, "default_host_ips", setting="default_host_ips"),
    Key(_N, "default_network", setting="default_network"),
    Key(_N, "default_rootless_network_cmd", without=_ROOTLESS),
    Key(_N, "default_subnet", setting="default_subnet"),
    Key(
        _N,
        "default_subnet_pools",
        does="pools of `network create`'s IPv4 subnets, as {base, size} (`default_subnet_pools` of"
        ' rundlet.toml: "BASE SIZE")',
    ),
    Key(_N, "dns_bind_port", without=_NETAVARK),
    Key(_N, "firewall_driver", without=_NETAVARK),
    Key(_N, "netavark_plugin_dirs", without=_NETAVARK),
    Key(_N, "network_backend", without="network_plugin of rundlet.toml chooses the plugin"),
    Key(_N, "network_config_dir", does="the only directory of networks (`network_config_dirs`)"),
    Key(_N, "pasta_options", without=_ROOTLESS),
    Key(_N, "rootless_port_forwarder", without=_ROOTLESS),
    Key("secrets", "driver", setting="secret_driver"),
    Key("secrets.opts", "*", does="options of that driver (`secret_options` of rundlet.toml)"),
    Key("machine", "*", without="containers run on this machine"),
    Key("farms", "*", without="builds run on this machine"),
    Key("podmansh", "*", without="there is no podmansh"),
)
