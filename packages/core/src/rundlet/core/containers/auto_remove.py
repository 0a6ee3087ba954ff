"""What goes with a container that is removed when it ends: its image (`run --rmi`)."""

from __future__ import annotations

import sys

from ..errors import NoSuchImage, RundletError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container


def remove_image(engine: Engine, row: Container) -> None:
    """Remove the image of a container with `auto_remove_image` that has ended and is gone.

    One that others use stays, with a warning: the container did as it was told.
    """
    try:
        engine.images.remove(row.image_name or row.image)
    except NoSuchImage:
        return
    except (RundletError, OSError) as error:
        sys.stderr.write(f"WARN[0000] Failed to remove image: {error}\n")
