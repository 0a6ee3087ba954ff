"""Sandboxes as the CRI's messages."""

from __future__ import annotations

import json

from rundlet.core import Engine
from rundlet.core.contracts.runtime import called

from ..proto import api_pb2 as cri
from . import network, options, record
from .paths import Paths
from .record import Pod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def state(pod: Pod) -> cri.PodSandboxState:
    """READY while its namespaces are there."""
    return cri.SANDBOX_READY if pod.ready else cri.SANDBOX_NOTREADY


def item(pod: Pod) -> cri.PodSandbox:
    """A sandbox in a list."""
    config = pod.sandbox
    return cri.PodSandbox(
        id=pod.id,
        metadata=config.metadata,
        state=state(pod),
        created_at=pod.created,
        labels=config.labels,
        annotations=config.annotations,
        runtime_handler=pod.handler,
    )


def status(pod: Pod) -> cri.PodSandboxStatus:
    """The status of one sandbox."""
    config = pod.sandbox
    found = network.addresses(pod) if pod.ready else []
    return cri.PodSandboxStatus(
        id=pod.id,
        metadata=config.metadata,
        state=state(pod),
        created_at=pod.created,
        network=cri.PodSandboxNetworkStatus(
            ip=found[0] if found else "",
            additional_ips=[cri.PodIP(ip=address) for address in found[1:]],
        ),
        linux=cri.LinuxPodSandboxStatus(
            namespaces=cri.Namespace(options=options.namespaces(config))
        ),
        labels=config.labels,
        annotations=config.annotations,
        runtime_handler=pod.handler,
    )


def info(engine: Engine, pod: Pod) -> str:
    """What `crictl inspectp` shows beside: JSON. config: as kubelet has it now, with the
    resources of UpdatePodSandboxResources."""
    from google.protobuf import json_format

    config = json_format.MessageToDict(pod.sandbox, preserving_proto_field_name=True)
    paths = Paths(engine, pod.id)
    return json.dumps(
        {
            "runtime": called(pod.runtime),
            "pid": pod.infra,
            "netns": "" if options.host_network(pod.sandbox) else paths.netns,
            "network": json.loads(pod.network) if pod.network else None,
            "config": config,
        }
    )


def listed(engine: Engine, wanted: cri.PodSandboxFilter) -> list[Pod]:
    """The sandboxes that a filter lets through; those half made or half removed are none yet."""
    return [
        pod
        for pod in record.everything(engine)
        if pod.state in ("ready", "stopped") and _fits(pod, wanted)
    ]


def _fits(pod: Pod, wanted: cri.PodSandboxFilter) -> bool:
    if wanted.id and not pod.id.startswith(wanted.id):
        return False
    if wanted.HasField("state") and wanted.state.state != state(pod):
        return False
    return has_labels(pod.sandbox.labels, wanted.label_selector)


def has_labels(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    """Whether every label of a selector is there with its value."""
    return all(labels.get(key) == value for key, value in selector.items())
