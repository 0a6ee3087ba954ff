"""Writing the package: names derived from one, texts filled in, files all or none."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from string import Template

from rundlet.core import __version__
from rundlet.core.errors import AlreadyExists, InvalidArgument, StoreError

from .drivers import MODULES
from .suites import SUITES

GROUPS = {
    "storage": "rundlet.storage_drivers",
    "runtime": "rundlet.oci_runtimes",
    "network": "rundlet.network_plugins",
    "transport": "rundlet.image_transports",
    "secrets": "rundlet.secret_drivers",
    "hooks": "rundlet.hooks",
    "command": "rundlet.commands",
}
"""Kind, as `--kind` names it, to the group of its entry point."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "rundlet-$name"
version = "0.1.0"
description = "$what for Rundlet"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["$needs>=$version"]

[project.optional-dependencies]
test = ["rundlet-core[testing]>=$version"]

[project.entry-points."$group"]
$name = "$target"

[tool.hatch.build]
dev-mode-dirs = ["src"]

[tool.hatch.build.targets.wheel]
packages = ["src/$module"]
"""

_README = """\
# rundlet-$name

$what for Rundlet (`rundlet-core`), named `$name`.

    pip install -e '.[test]'
    pytest                       # the conformance kit of Rundlet
    rundlet plugin info $name
    rundlet plugin check $name

The code is in `src/$module/__init__.py`; the entry point that Rundlet finds it by is in
`pyproject.toml`. `pip install` of its wheel is all that a user of it does.
"""

_WHAT = {
    "storage": "A storage driver",
    "runtime": "An OCI runtime",
    "network": "A network plugin",
    "transport": "An image transport",
    "secrets": "A secret driver",
    "hooks": "A hooks plugin",
    "command": "A command",
}


def texts(name: str, kind: str) -> dict[str, str]:
    """The files of the package: path to content. Raises InvalidArgument for a bad name."""
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"invalid plugin name {name!r}",
            remedy="Use small letters, digits and single dashes, a letter first.",
        )
    module = f"rundlet_{name.replace('-', '_')}"
    command = kind == "command"
    words = {
        "name": name,
        "module": module,
        "type": "".join(part.capitalize() for part in name.split("-")),
        "what": _WHAT[kind],
        "group": GROUPS[kind],
        "target": f"{module}:VERB" if command else module,
        "needs": "rundlet-cli" if command else "rundlet-core",
        "version": __version__,
    }
    templates = {
        "pyproject.toml": _PYPROJECT,
        "README.md": _README,
        f"src/{module}/__init__.py": MODULES[kind],
        f"src/{module}/py.typed": "",
        f"tests/test_{module}.py": SUITES[kind],
    }
    return {path: Template(text).substitute(words) for path, text in templates.items()}


def write(name: str, kind: str, directory: Path) -> None:
    """Write the package into a directory that does not exist.

    Raises AlreadyExists, InvalidArgument, StoreError; nothing is left then.
    """
    files = texts(name, kind)
    try:
        directory.mkdir(parents=True)
    except FileExistsError:
        raise AlreadyExists(
            f"{directory} exists already", remedy="Remove it, or name another with --directory."
        ) from None
    except OSError as error:
        raise StoreError(f"cannot make {directory}: {error.strerror}") from error
    try:
        for path, content in files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")
    except OSError as error:
        shutil.rmtree(directory, ignore_errors=True)
        raise StoreError(f"cannot write {directory}: {error.strerror}") from error
