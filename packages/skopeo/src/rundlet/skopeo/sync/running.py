"""Copying many images side by side: shared blobs once, a line for each image."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from rundlet.core.errors import RundletError
from rundlet.core.images import manifest as manifests
from rundlet.core.images.digests import digest_of
from rundlet.core.images.plan import Wishes
from rundlet.core.images.progress import Progress
from rundlet.core.images.turns import Turns
from rundlet.core.value import Value

from ..copying import copied, policy_of
from ..known import KnownBlobs
from ..retrying import retried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.images.copy import CopyOptions
    from rundlet.core.images.descriptor import Descriptor

    from ..copying import End


class Task(Value):
    """One image, and where it goes."""

    source: End
    target: End


class Outcome(Value):
    """What became of the tasks: digests in their order ("" where it failed), and the errors."""

    digests: tuple[str, ...]
    errors: tuple[RundletError, ...]


class Copying:
    """The copies of one `sync`, so many images at once."""

    def __init__(
        self,
        context: Context,
        arguments: Parsed,
        options: CopyOptions,
        progress: Progress,
    ) -> None:
        self._context = context
        self._arguments = arguments
        self._options = options.replace(turns=Turns())
        self._progress = _Ending(progress)
        self._known = KnownBlobs()
        self._policy = policy_of(context)

    def run(self, tasks: Sequence[Task], at_once: int, *, keep_going: bool) -> Outcome:
        """Copy all. Raises the first error, unless `keep_going`: then it is told and kept."""
        digests = [""] * len(tasks)
        errors: list[RundletError] = []
        pool = ThreadPoolExecutor(at_once, thread_name_prefix="image")
        try:
            futures = {pool.submit(self._one, task): n for n, task in enumerate(tasks)}
            for done, future in enumerate(as_completed(futures), 1):
                task = tasks[futures[future]]
                try:
                    digests[futures[future]], how = future.result()
                except RundletError as error:
                    if not keep_going:
                        raise
                    errors.append(error)
                    self._context.warn(f"Error copying {task.source}: {error}")
                else:
                    self._progress.line(
                        f"{how} image {done}/{len(tasks)} from {task.source} to {task.target}"
                    )
        except BaseException:  # an interrupt from the keyboard too
            self._progress.end()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return Outcome(tuple(digests), tuple(errors))

    def _one(self, task: Task) -> tuple[str, str]:
        """Copy one image: its digest, and the word for what was done."""

        def work() -> tuple[str, str]:
            there = self._there(task)
            if there:
                return there, "Kept"
            done = copied(
                task.source,
                task.target,
                self._options,
                self._progress,
                self._known,
                self._policy,
            )
            return done.digest, "Copied"

        return retried(self._context, self._arguments, work)

    def _there(self, task: Task) -> str:
        """The digest of what a registry has already, where that is the image that is wanted, with
        all signatures that go along.
        """
        if not task.target.repository or self._options.wishes != Wishes() or self._options.signing:
            return ""
        with task.source.transport.source(task.source.location, task.source.settings) as source:
            wanted = source.manifest()
            signatures = set(source.signatures()) if self._options.signatures else set()
        document = manifests.parse(wanted.data, wanted.media_type)
        if isinstance(document, manifests.Index) and not self._options.all_instances:
            return ""
        try:
            with task.target.transport.source(task.target.location, task.target.settings) as target:
                found = target.manifest()
                if signatures - set(target.signatures()):
                    return ""
        except RundletError:
            return ""  # not there, or not to be read: writing it will tell
        return digest_of(found.data) if found.data == wanted.data else ""


class _Ending(Progress):
    """Shows blobs of all images; ends the copies that are under way once one has failed."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._ended = threading.Event()

    def end(self) -> None:
        """Every copy fails at its next step."""
        self._ended.set()

    def line(self, text: str) -> None:
        """A line about an image."""
        self._shown.message(text)

    def message(self, text: str) -> None:
        """What one image's copy says between blobs is left out: there are many."""
        self._check()

    def start(self, kind: str, blob: Descriptor) -> None:
        self._check()
        self._shown.start(kind, blob)

    def advance(self, kind: str, blob: Descriptor, count: int) -> None:
        self._check()
        self._shown.advance(kind, blob, count)

    def skipped(self, kind: str, blob: Descriptor) -> None:
        self._check()

    def done(self, kind: str, blob: Descriptor) -> None:
        self._shown.done(kind, blob)

    def _check(self) -> None:
        if self._ended.is_set():
            raise _Ended("ended: another image failed")


class _Ended(RundletError):
    """Ends a copy; never shown: the error of the image that failed is."""
