"""Directories of gpg with keys of their own."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from devtools.fixtures import needs
from devtools.gpg import Home


@pytest.fixture(scope="session")
def home() -> Iterator[Home]:
    """A directory with the secret keys `one` and `two`."""
    needs("gpg", "gpgconf")
    # A short name: gpg's agent has its socket there.
    with tempfile.TemporaryDirectory(prefix="gpg-") as directory:
        made = Home(directory)
        yield made
        subprocess.run(["gpgconf", "--homedir", directory, "--kill", "all"], check=False)
