"""What is stored with a container as JSON: the request, the image's configuration, the network.

Only what differs from the defaults is written, so that stored text stays small and
a field that is new in a later release has its default for older containers.
"""

from __future__ import annotations

from .. import json
from ..contracts.network import (
    Address,
    Attachment,
    AttachResult,
    InterfaceResult,
    NetworkRequest,
    PortMapping,
)
from ..contracts.storage import IdMap
from ..spec.text import document
from ..value import Value
from .request import ContainerRequest, Device, Mount, Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    V = TypeVar("V", bound=Value)

# Fields that hold values, by class; a tuple of them where the field is a tuple.
_NESTED: dict[type[Value], dict[str, type[Value]]] = {
    ContainerRequest: {
        "uid_map": IdMap,
        "gid_map": IdMap,
        "networks": NetworkRequest,
        "ports": PortMapping,
        "mounts": Mount,
        "devices": Device,
        "resources": Resources,
    },
    Attachment: {"networks": NetworkRequest, "ports": PortMapping},
    AttachResult: {"interfaces": InterfaceResult, "ports": PortMapping},
    InterfaceResult: {"addresses": Address},
}


def encode(value: Value) -> dict[str, Any]:
    """The fields of a value that differ from their defaults, ready for json.dumps."""
    kind = type(value)
    fields = {}
    for name, content in value.as_dict().items():
        if not hasattr(kind, name) or getattr(kind, name) != content:
            fields[name] = _plain(content)
    return fields


def _plain(content: object) -> object:
    if isinstance(content, Value):
        return encode(content)
    if isinstance(content, (list, tuple)):
        return [_plain(item) for item in content]
    if hasattr(content, "items"):
        return {str(key): _plain(item) for key, item in content.items()}
    if content is None or isinstance(content, (str, int, float)):
        return content
    return str(content)  # a path


def decode(kind: type[V], fields: Mapping[str, Any]) -> V:
    """The value of `encode`. Fields that this release does not know are left out."""
    nested = _NESTED.get(kind, {})
    known = {}
    for name, content in fields.items():
        if name not in kind.__fields__:
            continue
        inner = nested.get(name)
        if inner is None:
            known[name] = _immutable(content)
        elif isinstance(content, list):
            known[name] = tuple(decode(inner, item) for item in content)
        else:
            known[name] = decode(inner, content)
    return kind(**known)


def _immutable(content: Any) -> Any:
    return tuple(_immutable(item) for item in content) if isinstance(content, list) else content


def request_text(request: ContainerRequest) -> str:
    """The stored form of a request. Raises InvalidArgument for text that is not UTF-8."""
    return document(encode(request))


def request_of(text: str) -> ContainerRequest:
    """The request that was stored."""
    return decode(ContainerRequest, json.loads(text))


class Network(Value):
    """What a container was attached to, by which plugin; no result while that is under way."""

    plugin: str
    attachment: Attachment
    result: AttachResult | None = None


def network_text(network: Network) -> str:
    """The stored form of an attachment."""
    result = None if network.result is None else encode(network.result)
    return json.dumps(
        {"plugin": network.plugin, "attachment": encode(network.attachment), "result": result}
    )


def network_of(text: str) -> Network | None:
    """The attachment that was stored; None for ""."""
    if not text:
        return None
    fields = json.loads(text)
    result = fields["result"]
    attachment = decode(Attachment, fields["attachment"])
    if attachment.namespace is not None:
        from pathlib import Path

        attachment = attachment.replace(namespace=Path(attachment.namespace))
    return Network(
        fields["plugin"],
        attachment,
        None if result is None else decode(AttachResult, result),
    )
