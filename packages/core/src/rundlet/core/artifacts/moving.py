"""Artifacts from registries and to them."""

from __future__ import annotations

from ..contracts.transport import TransportSettings
from ..images.copy import CopyOptions, copy
from ..images.progress import SILENT
from ..images.pull import admit, guarded
from ..images.telling import told
from .store import full_name
from .upkeep import sweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..images.encryption import Encryption
    from ..images.progress import Progress
    from ..trust.signing import Signing
    from .store import Store


def pull(
    engine: Engine,
    store: Store,
    name: str,
    settings: TransportSettings,
    progress: Progress | None,
    encryption: Encryption | None,
) -> str:
    """See `Artifacts.pull`."""
    full = full_name(name)
    admit(engine, full)
    docker = engine.plugins.transport("docker")
    location = docker.parse(f"//{full}")
    options = CopyOptions(
        platform=settings.platform,
        keep=encryption is None,
        encryption=encryption,
        parallel=engine.settings.image_parallel_copies,
    )
    with engine.locks.hold("artifacts", full.replace("/", "_")):
        before = store.find(full)
        with (
            docker.source(location, told(engine, settings)) as source,
            store.transport.destination(store.location(full), TransportSettings()) as target,
        ):
            done = copy(source, target, guarded(engine, location, options), progress or SILENT)
    if before is not None and before.digest != done.digest:
        sweep(store)
    return done.digest


def push(
    engine: Engine,
    store: Store,
    name: str,
    destination: str,
    settings: TransportSettings,
    progress: Progress | None,
    signing: Signing | None,
) -> str:
    """See `Artifacts.push`."""
    artifact = store.get(name)
    docker = engine.plugins.transport("docker")
    to = docker.parse(f"//{full_name(destination or artifact.name)}")
    options = CopyOptions(
        keep=True, parallel=engine.settings.image_parallel_copies, signing=signing
    )
    with (
        store.transport.source(store.location(artifact.name), TransportSettings()) as source,
        docker.destination(to, told(engine, settings)) as target,
    ):
        return copy(source, target, options, progress or SILENT).digest
