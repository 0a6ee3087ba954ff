"""Whether networks work here, whether an attachment is whole, and what is left of dead ones."""

from __future__ import annotations

from rundlet.core.contracts.probe import Probe
from rundlet.core.errors import NetworkError, NoSuchNetwork

from . import chain
from .config import Damaged, load_all
from .detach import forget, noted
from .execute import PACKAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.contracts.network import Attachment, AttachResult

    from .parts import Parts


def probe(parts: Parts) -> Probe:
    """Whether the default network's plugins are there; looks at files only, starts nothing.

    A damaged file is the error of who would join its network: others can be joined.
    """
    reasons = [] if _is_damaged(parts) else missing(parts)
    if reasons:
        return Probe(False, "; ".join(reasons))
    path = parts.executor.search("bridge") or parts.executor.search("loopback")
    return Probe(True, details={"plugins": path.rpartition("/")[0]})


def _is_damaged(parts: Parts) -> bool:
    try:
        parts.network("")
    except Damaged:
        return True
    except (NetworkError, NoSuchNetwork):
        return False
    return False


def missing(parts: Parts) -> list[str]:
    """Why the default network cannot be used: no configuration, or no binaries."""
    try:
        network = parts.network("")
    except (NetworkError, NoSuchNetwork) as error:
        return [str(error).replace("\n", ". ")]
    kinds = [plugin["type"] for plugin in network.plugins]
    kinds += [
        plugin["ipam"]["type"] for plugin in network.plugins if "type" in plugin.get("ipam", {})
    ]
    lost = [kind for kind in kinds if not parts.executor.search(kind)]
    if not lost:
        return []
    return [
        f'network "{network.name}": CNI plugins {", ".join(lost)} not found in'
        f" {', '.join(parts.executor.directories)}; install {PACKAGES}"
    ]


def status(parts: Parts) -> Sequence[str]:
    """Why containers cannot join the default network now."""
    reasons = missing(parts)
    if reasons:
        return reasons
    return chain.status(parts.executor, parts.network(""), parts.data_dir)


def check(parts: Parts, attachment: Attachment, result: AttachResult) -> None:
    """CHECK every interface of an attachment. Raises NetworkError."""
    records = noted(parts, attachment, result)
    for request in attachment.networks:
        name = request.network or parts.default
        if not any(name in ("", record.network) for record in records):
            raise NetworkError(
                f'container {attachment.container} is not attached to network "{name}"'
            )
    for record in records:
        if not record.attached_to():
            raise NetworkError(
                f"network namespace {record.namespace} of container {record.container} is gone"
            )
        parts.chain(record).check()


def damage(parts: Parts) -> Sequence[str]:
    """What attached containers are without: the server of their names."""
    return [
        f"aardvark-dns of network {name} has ended: its containers find no names"
        for name in parts.names.unserved()
    ]


def collect(parts: Parts, valid: Sequence[Attachment]) -> None:
    """DEL what belongs to no valid attachment, then GC where plugins can (since 1.1.0)."""
    living = {attachment.container for attachment in valid}
    failure: NetworkError | None = None
    try:
        dead = [record for record in parts.cache.all() if record.container not in living]
        forget(parts, dead)
    except NetworkError as error:
        failure = error
    parts.ports.release(parts.ports.owners() - living)
    stay = [(record.network, record.container, record.interface) for record in parts.cache.all()]
    for network in load_all(parts.directories)[0]:
        mine = [(container, name) for of, container, name in stay if of == network.name]
        try:
            chain.collect(parts.executor, network, mine, parts.data_dir)
        except NetworkError as error:
            failure = failure or error
    if failure is not None:
        raise failure
