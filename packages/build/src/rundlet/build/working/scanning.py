"""An SBOM of a working container (buildah-commit(1), --sbom)."""

from __future__ import annotations

from rundlet.build.execute import sbom
from rundlet.build.execute.options import BuildOptions
from rundlet.build.execute.origins import Images
from rundlet.core.content.scratch import scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.contracts.transport import TransportSettings

    from .container import WorkingContainer


def scanned(
    container: WorkingContainer, order: sbom.SbomOrder, pull: str, settings: TransportSettings
) -> sbom.Scanned:
    """What the scanner says of a container's files; commands about contexts have none to scan.

    pull: policy for the scanner's image. Raises what pulling it and running it raise.
    """
    engine = container.engine
    image = Images(engine, BuildOptions(pull=pull, settings=settings), None).get(order.image)
    with scratch(engine) as directory, container.root() as root:
        return sbom.scan(engine, order, image.id, root, (), directory, container.template)
