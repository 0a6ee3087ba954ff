"""`python -m devtools.bench.large DIRECTORY`: an image of one layer, 340 MB in 12,000 files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from devtools import images


def large() -> images.ImageRecipe:
    """Files of 28 KB in 400 directories, that compress about two to one."""
    members = [images.Member(f"d{number}") for number in range(400)]
    for number in range(12_000):
        content = os.urandom(14_200) + bytes(14_200)
        members.append(images.Member(f"d{number % 400}/f{number}", content, 0o644))
    return images.ImageRecipe([images.layer(members)])


if __name__ == "__main__":
    images.Layout(Path(sys.argv[1])).add("large", large())
