"""Flags of buildah that are understood, and refused with the reason."""

from __future__ import annotations

from rundlet.core.errors import NotSupported

from .build import SBOM, USERNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Parsed

_SCANNER = (
    "no program that lists an image's packages is run",
    "Run one on the finished image: rundlet-build mount, or rundlet image mount.",
)
_MAPS = (
    "files that a RUN makes would belong to the host's ids of its map",
    "Leave it out: RUN uses the user namespace of the host.",
)
REFUSED: dict[str, tuple[str, str]] = {
    "all-platforms": (
        "the platforms of a base are not looked up",
        "Name them: --platform linux/amd64,linux/arm64.",
    ),
    "compat-volumes": (
        "what a RUN writes below a VOLUME is part of the image",
        "Leave it out, or write VOLUME after the RUN.",
    ),
    "cw": ("confidential workload images are not made", "Build a plain image."),
    "decryption-key": ("encrypted images are not read", "Decrypt it first: skopeo copy."),
    "hooks-dir": ("RUN runs no OCI hooks", "Use a runtime of your own: --runtime."),
    "log-rusage": ("usage is not logged", "Each step shows its time; see also time(1)."),
    "runtime-flag": (
        "flags of a runtime are not passed on",
        "Name a script that adds them: --runtime PATH.",
    ),
    "rusage-logfile": ("usage is not logged", "Each step shows its time; see also time(1)."),
    "sign-by": (
        "an image of the store has no signature",
        "Sign it in the registry that it is pushed to.",
    ),
    "source-policy-file": (
        "there are no source policies",
        "Say in policy.json which images may be pulled.",
    ),
    **dict.fromkeys(SBOM, _SCANNER),
    **dict.fromkeys(USERNS, _MAPS),
}
"""Flag to (reason, remedy)."""


def check(arguments: Parsed) -> None:
    """Raise NotSupported for a flag that was given (`=false` asks for nothing)."""
    for name in REFUSED:
        value = arguments.values.get(name) if name in arguments.given else None
        if value is not None and value is not False:
            reason, remedy = REFUSED[name]
            raise NotSupported(f"--{name} is not supported for build: {reason}", remedy=remedy)
    if arguments.text("userns") not in ("", "host"):
        raise NotSupported(
            f"--userns {arguments.text('userns')} is not supported for build: {_MAPS[0]}",
            remedy="--userns host, which is the default.",
        )
