"""`python -m devtools.podman_page`: writes docs/podman.md, every verb and flag beside podman's.

The verbs and flags are those that are declared; what is not there, or is not as podman has it,
is said here, with the reason. Debian's podman is not asked: packages/cli/tests/test_flags.py
holds declarations and page to it.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path

from rundlet.cli.absent import LEFT_OUT
from rundlet.cli.program import IDLE, PROGRAM
from rundlet.cli.request.options import HARMLESS
from rundlet.cli.request.options import LEFT_OUT as FLAGS_LEFT_OUT
from rundlet.core.commands.declare import Flag, Option, Verb
from rundlet.core.settings import refused

from .flag_pages import sections, table

PAGE = Path(__file__).parent.parent / "docs/podman.md"

DIFFERS: dict[tuple[str, str], str] = {
    ("container checkpoint", "create-image"): "refused: `--export` writes an archive",
    ("container restore", "pod"): "refused: pods are kubelet's, which restores by the CRI",
    ("push", "signature-policy"): "no effect: images of the store were judged when they came",
    ("image push", "signature-policy"): "no effect: images of the store were judged when they came",
    **{
        (verb, "history"): "the names that an image has: those that it had are not kept"
        for verb in ("images", "image ls", "image list")
    },
    ("system prune", "build"): "of builds that were killed: safe while others run",
    ("system check", "max"): "layers that nothing refers to are known whatever their age",
    ("container cleanup", "exec"): "exec sessions clean up after themselves",
    **{
        (verb, "cgroups"): "`disabled` with crun, which alone can do that"
        for verb in ("run", "create")
    },
    **{
        (verb, "log-opt"): "`label`, `labels` and `env` need a conmon that has `--log-label`;"
        " with an older one a warning says that they have no effect, as of unknown options"
        for verb in ("run", "create")
    },
    **{
        (verb, "publish"): "`[::1]:PORT` is not reached from the host, for IPv6 has no"
        " `route_localnet`; a warning says so, where podman says nothing"
        for verb in ("run", "create")
    },
    ("ps", "sync"): "the state is always derived from what is there",
    ("network create", "opt"): "`vrf` and `bclim` are refused: no CNI plugin has them",
    ("network create", "internal"): "names of the outside are `NXDOMAIN` with aardvark-dns 1.11 and"
    " later; older ones do not answer. A bridge with `vlan` has no names",
    ("volume create", "driver"): "`local` and `image`: there are no volume plugins",
    ("network create", "ipam-driver"): "as CNI has it: `dhcp` needs the CNI daemon of that name",
}
"""(verb or *, flag) to how it differs."""


GLOBAL_DIFFERS = {
    "runtime": "a binary that no driver is for is taken for one like runc, unless `kind` of"
    " `[runtimes.NAME]` says another ([plugins.md](plugins.md#runtimes-by-configuration))",
    "imagestore": "graph roots that share it have images of their own, and the files in common"
    " ([containers-conf.md](containers-conf.md))",
    "log-level": "`debug` tells which programs are run and what is connected to, and shows the"
    " traceback of an unexpected error; the other levels tell nothing more",
    "events-backend": "events are in the state database, or `none`; `journald` is refused",
}
"""Flags before the verb that are not as podman has them."""


def verbs() -> dict[str, Verb]:
    """The verbs of the packages core and cli by the words that are typed."""
    found = {}
    for entry in entry_points(group=PROGRAM.group):
        declared = (
            entry.load() if entry.value.startswith(("rundlet.cli.", "rundlet.core.")) else None
        )
        if isinstance(declared, Verb):
            found[entry.name.replace(".", " ")] = declared
    return found


def state(verb: str, option: Flag | Option) -> str:
    """How a flag stands to podman's."""
    name = option.name
    if verb in ("run", "create"):
        if name in FLAGS_LEFT_OUT:
            return f"left out: {FLAGS_LEFT_OUT[name]}"
        if name in HARMLESS:
            return "without effect, as in podman"
    if (verb, name) == ("cp", "pause"):
        return "without effect, as in podman"
    why = DIFFERS.get((verb, name)) or DIFFERS.get(("*", name))
    return f"differs: {why}" if why else "works"


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## Verbs that are not here\n", "| verb | why |", "| --- | --- |"]
    parts += [f"| `{name}` | {why} |" for name, why in sorted(LEFT_OUT.items())]
    parts += ["", "## Before the verb\n", *table(PROGRAM.options, _global_state)]
    return "\n".join([*parts, *sections(verbs(), state)]) + "\n"


def _global_state(option: Flag | Option) -> str:
    if option.name in refused.NAMES and option.hidden:
        return f"left out: {refused.REASONS[option.name]}"
    if option.name in GLOBAL_DIFFERS:
        return f"differs: {GLOBAL_DIFFERS[option.name]}"
    return "accepted, of no effect by itself" if option in IDLE else "works"


_HEAD = """# podman's verbs and flags

Every verb of `rundlet` with every flag, and how it stands to podman's: *works*, *differs*
(how), *left out* (why). Made by `python -m devtools.podman_page`; tests hold the parsers, this
page and Debian's podman to each other. `build` and `manifest` come with rundlet-build:
[buildah.md](buildah.md) has their flags.
"""


def main() -> int:
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
