"""The `rundlet-skopeo` program."""

from __future__ import annotations

import sys

from rundlet.core.commands.declare import Flag, Option, Program
from rundlet.core.commands.dispatch import main as dispatch
from rundlet.core.commands.options import ENGINE_OPTIONS
from rundlet.core.verbs.tls_details import TLS_DETAILS

PROGRAM = Program(
    name="rundlet-skopeo",
    summary="Various operations with container images and container image registries",
    group="rundlet.skopeo_commands",
    options=(
        *ENGINE_OPTIONS,
        Option("command-timeout", help="Timeout for the command execution", kind="duration"),
        Flag("debug", help="Show the trace of an unexpected error"),
        Flag("insecure-policy", help="Accept every image, whatever the trust policy says"),
        Option("override-arch", help="Use ARCH instead of the architecture of the machine"),
        Option("override-os", help="Use OS instead of the running OS"),
        Option("override-variant", help="Use VARIANT instead of the running variant"),
        Option("policy", help="Path to a trust policy file", completes="files"),
        Option(
            "registries.d",
            help="Directory of files that say where signatures are",
            completes="files",
        ),
        Flag(
            "require-signed", help="Refuse images that the trust policy takes without a signature"
        ),
        TLS_DETAILS,
        Option("tmpdir", help="Directory used to store temporary files", completes="files"),
        Option("user-agent-prefix", help="Words in front of the User-Agent that registries see"),
    ),
)

_ENGINE_FAILED = 125
_FAILED = 1


def main() -> int:
    """Run one command line. Exit codes are skopeo's (skopeo(1), "Exit Status"): 1 for an
    error, 2 for an image that is not there.
    """
    words = ["--log-level=debug" if word == "--debug" else word for word in sys.argv[1:]]
    code = dispatch(PROGRAM, words)
    return _FAILED if code == _ENGINE_FAILED else code
