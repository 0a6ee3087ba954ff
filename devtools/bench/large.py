"""`python -m devtools.bench.large large|several DIRECTORY`: a large image in a layout.

large: one layer, 340 MB in 12,000 files. several: six layers of 32 MB.
"""

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


def several() -> images.ImageRecipe:
    """Layers of 40 files of 800 KB each, that compress about two to one."""
    layers = []
    for layer in range(6):
        members = [
            images.Member(f"l{layer}/f{number}", os.urandom(400_000) + bytes(400_000), 0o644)
            for number in range(40)
        ]
        layers.append(images.layer(members))
    return images.ImageRecipe(layers)


if __name__ == "__main__":
    name, directory = sys.argv[1:]
    images.Layout(Path(directory)).add(name, {"large": large, "several": several}[name]())
