"""`python -m devtools.buildah_page`: writes docs/buildah.md, every verb and flag beside buildah's.

The verbs and flags are those that are declared; what is not as buildah has it is said here,
with the reason. packages/build/tests/test_page.py holds page, declarations and Debian's buildah
to each other.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path

from rundlet.build.main import PROGRAM
from rundlet.build.verbs.build_refused import REFUSED
from rundlet.core.commands.declare import Flag, Option, Verb

from .flag_pages import sections, table

PAGE = Path(__file__).parent.parent / "docs/buildah.md"

LEFT_OUT = {
    "mkcw": "images for confidential workloads are not made",
    "rpc": "experimental there; the Python API is here",
}
"""Verbs of the newest buildah that are not here."""

_KEPT = "layers of the store are always kept compressed"
_STEPS = "nothing of a build is left but its steps' images, which `--layers` keeps"
DIFFERS: dict[tuple[str, str], str] = {
    ("build", "force-rm"): f"always so: {_STEPS}",
    ("build", "rm"): f"always so: {_STEPS}",
    ("build", "identity-label"): "only where it is given, and then `io.rundlet.version`: an image"
    " is else what its Containerfile says",
    ("build", "logsplit"): "a flag that needs `--logfile`, also for one platform",
    ("build", "hooks-dir"): "without it there are none",
    ("from", "hooks-dir"): "without it there are none",
    ("images", "history"): "shows the names that an image has: those it had are not kept",
    ("commit", "disable-compression"): _KEPT,
    ("build", "squash-all"): "podman's: the same as `--squash`, which in `rundlet build` leaves"
    " the base's layers",
}
"""(verb, flag) to how it differs."""

OURS = {
    ("build", "explain"): "why a step was not taken from the cache",
}
"""Flags that buildah does not have."""

NEWER = {
    "build": (
        *("all-platforms", "build-arg-file", "cache-ttl", "compat-volumes", "compression-format"),
        *("compression-level", "created-annotation", "force-compression", "group-add"),
        *("iidfile-raw", "inherit-annotations", "inherit-labels", "layer-label", "metadata-file"),
        *("mount", "no-hostname", "rewrite-timestamp", "save-stages", "sbom", "sbom-output"),
        *("sbom-image-output", "sbom-image-purl-output", "sbom-merge-strategy", "cw"),
        *("sbom-purl-output", "sbom-scanner-command", "sbom-scanner-image", "stage-labels"),
        *("source-date-epoch", "source-policy-file", "unsetannotation", "unsetlabel"),
    ),
    "commit": (
        *("add-file", "annotation", "compression-format", "config", "created-annotation"),
        *("force-compression", "rewrite-timestamp", "sbom", "sbom-scanner-command"),
        *("source-date-epoch", "unsetannotation"),
    ),
    "copy": ("exclude", "link", "parents", "timestamp"),
    "add": ("checksum", "exclude", "link", "parents", "timestamp"),
    "from": ("retry",),
    "prune": ("all", "force"),
    "push": ("force-compression", "retry"),
    "manifest create": ("annotation",),
    "run": ("device", "env", "mount", "no-hostname"),
    "source push": ("digestfile",),
}
"""Flags of the buildahs up to 1.44, by their manual pages, that Debian's may not have."""


def verbs() -> dict[str, Verb]:
    """The verbs by the words that are typed."""
    found = {}
    for entry in entry_points(group=PROGRAM.group):
        declared = entry.load()
        if isinstance(declared, Verb):
            found[entry.name.replace(".", " ")] = declared
    return found


def state(verb: str, option: Flag | Option) -> str:
    """How a flag stands to buildah's."""
    if verb in ("build", "bud") and option.name in REFUSED:
        return f"left out: {REFUSED[option.name][0]}"
    if (verb, option.name) in OURS:
        return f"of our own: {OURS[verb, option.name]}"
    why = DIFFERS.get((verb, option.name))
    if why:
        return f"differs: {why}"
    return "without effect" if "does nothing" in option.help.lower() else "works"


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## Verbs that are not here\n", "| verb | why |", "| --- | --- |"]
    parts += [f"| `{name}` | {why} |" for name, why in sorted(LEFT_OUT.items())]
    options = table(PROGRAM.options, lambda option: state("", option))
    parts += ["", "## Before the verb\n", *options]
    return "\n".join([*parts, *sections(verbs(), state)]) + "\n"


_HEAD = """# buildah's verbs and flags

Every verb of `rundlet-build` with every flag, and how it stands to buildah's: *works*, *differs*
(how), *left out* (why), *without effect*. Made by `python -m devtools.buildah_page`; tests hold
the parser, this page, Debian's buildah and the manual of the newest one to each other.
[build.md](build.md) says what builds do.
"""


def main() -> int:
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
