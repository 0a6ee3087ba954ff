"""The pod in its networks, by the network extension point."""

from __future__ import annotations

import os
from pathlib import Path

from rundlet.core import Engine
from rundlet.core.containers.stored import Network, network_of, network_text
from rundlet.core.contracts.network import Attachment, AttachResult, NetworkRequest
from rundlet.core.networks.namespace import create_namespace, remove_namespace

from ..config.setup import config_of
from . import options, record
from .paths import Paths
from .record import Pod


def attach(engine: Engine, pod: Pod) -> Pod:
    """Make the network namespace and join the default network. Raises NetworkError.

    What is about to be attached is noted first: a killed server's next one detaches it.
    """
    config = pod.sandbox
    driver = engine.plugins.choose_network()
    path = Paths(engine, pod.id).netns
    meta = config.metadata
    mapped_elsewhere = config_of(engine).flag("crio.runtime.disable_hostport_mapping")
    attachment = Attachment(
        container=pod.id,
        name=meta.name,
        namespace=Path(path),
        networks=(NetworkRequest(),),
        ports=() if mapped_elsewhere else options.ports(config),
        hostname=options.hostname(config),
        dns=tuple(config.dns_config.servers),
        labels={
            **config.labels,
            "io.kubernetes.pod.name": meta.name,
            "io.kubernetes.pod.namespace": meta.namespace,
            "io.kubernetes.pod.uid": meta.uid,
        },
    )
    pod = record.update(engine, pod, network=network_text(Network(driver.name, attachment)))
    if not options.own_users(config):  # else it is there, owned by that namespace
        create_namespace(path)
    result = engine.networks.attach(attachment, driver.name)
    return record.update(
        engine, pod, network=network_text(Network(driver.name, attachment, result))
    )


def detach(engine: Engine, pod: Pod) -> Pod:
    """Undo `attach`, also a half-done one. Raises NetworkError: then it stays noted."""
    network = network_of(pod.network)
    path = Paths(engine, pod.id).netns
    if network is not None:
        result = network.result or AttachResult()
        # A namespace that is gone (a reboot) is none: the plugin gives back what it leased.
        attachment = network.attachment
        if not os.path.exists(path):
            attachment = attachment.replace(namespace=None)
        engine.networks.detach(attachment, result, network.plugin)
    remove_namespace(path)
    return record.update(engine, pod, network="") if network is not None else pod


def interface(pod: Pod) -> str:
    """The name of the pod's main interface; "" for a pod without a network of its own."""
    network = network_of(pod.network)
    if network is None or network.result is None or not network.result.interfaces:
        return ""
    return network.result.interfaces[0].interface


def addresses(pod: Pod) -> list[str]:
    """The pod's addresses, the first being its main one."""
    network = network_of(pod.network)
    if network is None or network.result is None:
        return []
    return [
        address.address.partition("/")[0]
        for interface in network.result.interfaces
        for address in interface.addresses
    ]
