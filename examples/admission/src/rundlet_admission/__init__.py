"""Refuses containers of images that are older than RUNDLET_ADMISSION_DAYS days."""

from __future__ import annotations

import os
import time

from rundlet.core.hookspecs import hookimpl
from rundlet.core.views import ImageView

VARIABLE = "RUNDLET_ADMISSION_DAYS"
EXEMPT = "admission.exempt"
_DAYS = 180
_DAY = 24 * 3600  # seconds


@hookimpl
def rundlet_admit_image(image: ImageView, action: str) -> str | None:
    """Judge an image before it is run; before a pull its age is not known.

    Raises ValueError for a limit that is no number: a failed hook denies unless configured.
    """
    if action == "pull" or EXEMPT in image.labels:
        return None
    limit = float(os.environ.get(VARIABLE, _DAYS))
    if not image.created:
        return "it does not say when it was made"
    age = (time.time() - image.created) / _DAY
    return f"it is {age:.0f} days old, {limit:g} are allowed" if age > limit else None
