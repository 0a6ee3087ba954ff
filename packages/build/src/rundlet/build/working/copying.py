"""Files come into a working container (buildah-copy(1), buildah-add(1))."""

from __future__ import annotations

import os
from contextlib import ExitStack

from rundlet.build import ignore
from rundlet.build.containerfile.instructions import Copy
from rundlet.build.context import locations
from rundlet.build.execute import history, placing
from rundlet.build.execute.cache import key_of
from rundlet.build.execute.copying import Planner
from rundlet.build.execute.origins import Origin
from rundlet.core.content.scratch import scratch
from rundlet.core.errors import RundletError
from rundlet.core.value import Value

from . import running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.build.execute.options import Timestamp

    from .container import WorkingContainer


class CopyOrder(Value):
    """What to copy where.

    sources: paths, patterns, URLs, git repositories. destination: "" for the working
    directory. unpack: archives among local files are unpacked (`add`). origin: another
    container or an image to copy from. context: the directory that sources are in; "" for the
    current one, out of which sources may lead. ignore_file: patterns of what not to take.
    timestamp: of the files that arrive.
    """

    sources: tuple[str, ...]
    destination: str = ""
    unpack: bool = False
    chown: str = ""
    chmod: str = ""
    excludes: tuple[str, ...] = ()
    parents: bool = False
    link: bool = False
    checksum: str = ""
    origin: str = ""
    context: str = ""
    ignore_file: str = ""
    timestamp: Timestamp | None = None
    add_history: bool = False


def copy(container: WorkingContainer, order: CopyOrder) -> str:
    """Copy; a digest of what was copied. Raises NotFound, InvalidArgument, and their kin."""
    with ExitStack() as stack:
        directory = stack.enter_context(scratch(container.engine))
        origin = (
            running.origin(container, order.origin, stack)
            if order.origin
            else Origin(os.path.abspath(order.context) if order.context else "/")
        )
        ignored = ignore.patterns(())
        if order.ignore_file:
            ignored = ignore.find(origin.root, given=order.ignore_file)
        item = _instruction(order)
        workdir = str(container.config.config.get("WorkingDir") or "/")
        try:
            plan = Planner(directory, ignored, workdir).plan(item, origin)
            placing.apply(plan, stack.enter_context(container.root()), order.timestamp)
        except RundletError as error:
            error.message = error.message.removeprefix(f"{item.where}: ")
            error.message = error.message.removeprefix(f"{item.name}: ")
            error.args = (error.message,)
            raise
    if order.add_history:
        words = "ADD" if order.unpack else "COPY"
        text = history.copied(plan.replace(item=item.replace(name=words)))
        container.note(text)
    return key_of(plan.prints)


def _instruction(order: CopyOrder) -> Copy:
    """As an instruction. ADD without unpacking is what `copy` does: it takes URLs too."""
    destination = order.destination or "."
    if len(order.sources) > 1 and not destination.endswith(("/", ".")):
        destination += "/"
    return Copy(
        file="copy",
        line=0,
        text="",
        name="ADD",
        sources=tuple(_source(word, order) for word in order.sources),
        destination=destination,
        chown=order.chown,
        chmod=order.chmod,
        origin=order.origin,
        link=order.link,
        parents=order.parents,
        excludes=order.excludes,
        checksum=order.checksum,
        unpack=None if order.unpack else False,
    )


def _source(word: str, order: CopyOrder) -> str:
    if order.origin or order.context or locations.is_http(word) or locations.is_git(word):
        return word
    whole = os.path.join(os.getcwd(), word)
    return whole + ("/" if word.endswith("/") and not whole.endswith("/") else "")
