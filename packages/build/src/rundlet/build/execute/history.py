"""What the history of an image says of a step, in buildah's words (`created_by`)."""

from __future__ import annotations

from .cache import key_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rundlet.build.containerfile.instructions import Instruction, Run

    from .copying import Plan

_NOP = "/bin/sh -c #(nop) "


def plain(item: Instruction) -> str:
    """An instruction that only changes the config, as it is written."""
    if item.name == "ARG":
        return f"{_NOP}ARG {' '.join(word.partition('=')[0] for word in item.rest.split())}"
    return f"{_NOP}{item.name} {item.rest}"


def run(item: Run, arguments: Mapping[str, str]) -> str:
    """A RUN, with the arguments that it saw."""
    text = item.rest + "".join(f"\n{doc.content}{doc.name}" for doc in item.heredocs)
    if not arguments:
        return f"/bin/sh -c {text}"
    shown = " ".join(f"{name}={arguments[name]}" for name in sorted(arguments))
    return f"|{len(arguments)} {shown} /bin/sh -c {text}"


def copied(plan: Plan) -> str:
    """An ADD or COPY, with a digest of what it copied."""
    item = plan.item
    groups = plan.groups
    whole = bool(groups) and groups[0].selection.members[0].is_directory
    kind = "multi" if len(item.sources) > 1 else "dir" if whole else "file"
    return f"{_NOP}{item.name} {kind}:{key_of(plan.prints)} in {item.destination} "
