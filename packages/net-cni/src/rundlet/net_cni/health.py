"""Whether networks work here, whether an attachment is whole, and what is left of dead ones."""

from __future__ import annotations

from rundlet.core.contracts.probe import Probe
from rundlet.core.errors import NetworkError, NoSuchNetwork

from . import chain
from .config import load_all
from .execute import PACKAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.contracts.network import Attachment

    from .attaching import Attaching


def probe(attaching: Attaching) -> Probe:
    """Whether the default network's plugins are there; looks at files only, starts nothing."""
    reasons = missing(attaching)
    if reasons:
        return Probe(False, "; ".join(reasons))
    path = attaching.executor.search("bridge") or attaching.executor.search("loopback")
    return Probe(True, details={"plugins": path.rpartition("/")[0]})


def missing(attaching: Attaching) -> list[str]:
    """Why the default network cannot be used: no configuration, or no binaries."""
    try:
        network = attaching.network("")
    except (NetworkError, NoSuchNetwork) as error:
        return [str(error).replace("\n", " ")]
    kinds = [plugin["type"] for plugin in network.plugins]
    kinds += [
        plugin["ipam"]["type"] for plugin in network.plugins if "type" in plugin.get("ipam", {})
    ]
    lost = [kind for kind in kinds if not attaching.executor.search(kind)]
    if not lost:
        return []
    return [
        f'network "{network.name}": CNI plugins {", ".join(lost)} not found in'
        f" {', '.join(attaching.executor.directories)}; install {PACKAGES}"
    ]


def status(attaching: Attaching) -> Sequence[str]:
    """Why containers cannot join the default network now."""
    reasons = missing(attaching)
    if reasons:
        return reasons
    return chain.status(attaching.executor, attaching.network(""), attaching.data_dir)


def check(attaching: Attaching, attachment: Attachment) -> None:
    """CHECK every interface of an attachment. Raises NetworkError."""
    records = attaching.cache.of(attachment.container)
    for number, request in enumerate(attachment.networks):
        name = request.network or attaching.default
        mine = [record for record in records if name in ("", record.network)]
        if not mine:
            raise NetworkError(
                f'container {attachment.container} is not attached to network "{name}"'
                f" (number {number + 1} of its networks)"
            )
        attaching.chain(mine[0]).check()


def collect(attaching: Attaching, valid: Sequence[Attachment]) -> None:
    """DEL what belongs to no valid attachment, then GC where plugins can (since 1.1.0)."""
    living = {attachment.container for attachment in valid}
    failure: NetworkError | None = None
    try:
        dead = [record for record in attaching.cache.all() if record.container not in living]
        attaching.forget(dead)
    except NetworkError as error:
        failure = error
    attaching.ports.release(attaching.ports.owners() - living)
    stay = [
        (record.network, record.container, record.interface) for record in attaching.cache.all()
    ]
    for network in load_all(attaching.directories)[0]:
        mine = [(container, name) for of, container, name in stay if of == network.name]
        try:
            chain.collect(attaching.executor, network, mine, attaching.data_dir)
        except NetworkError as error:
            failure = failure or error
    if failure is not None:
        raise failure
