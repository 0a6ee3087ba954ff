"""The layers of one image on their way: all at once, each as it is to be at the destination."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from ..content.compress import PIECE, compressed, decompressed
from ..content.handed import Ahead
from ..content.verify import Verified
from ..errors import Corrupt, NotFound, RegistryError, TimedOut
from ..together import together
from . import manifest as manifests
from .marks import SUFFIX, is_encrypted
from .plan import chunked
from .underway import Passing, Running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..content.sealing import Secret
    from ..contracts.transport import ImageDestination, ImageSource
    from ..streams import ReadableFile
    from .copy import CopyOptions
    from .descriptor import Descriptor
    from .plan import Wishes
    from .progress import Progress

_PARALLEL = 6
"""Layers at once, as containers/image: they wait for networks and disks more than for cores."""
_TRIES = 3
_FIRST_WAIT = 1.0


class Carrier:
    """Carries layers from a source to a destination. secrets: of encrypted layers, by digest."""

    def __init__(
        self,
        source: ImageSource,
        destination: ImageDestination,
        options: CopyOptions,
        progress: Progress,
        secrets: Mapping[str, Secret],
    ) -> None:
        self._source = source
        self._destination = destination
        self._options = options
        self._progress = progress
        self._secrets = secrets
        self._wishes = options.wishes
        self._running = Running()

    def carry(
        self,
        origins: Sequence[Descriptor],
        targets: Sequence[Descriptor],
        beside: Callable[[], Descriptor],
        wishes: Wishes,
    ) -> tuple[Descriptor, tuple[Descriptor, ...]]:
        """Copy all layers at once; one that is there twice goes once. The first error counts.

        beside: done meanwhile (the config). wishes: of layers that are compressed anew. What
        `beside` returns, and the layers as they arrived.
        """
        self._wishes = wishes
        pairs = {
            (origin.digest, target.media_type): (origin, target)
            for origin, target in zip(origins, targets, strict=True)
        }
        workers = (self._options.parallel or _PARALLEL) + 1
        jobs: list[Callable[[], Descriptor]] = [beside]
        jobs += [partial(self._layer, *pair) for pair in pairs.values()]
        config, *placed = together(jobs, workers, self._running.stop)
        done = dict(zip(pairs, placed, strict=True))
        return config, tuple(
            done[origin.digest, target.media_type]
            for origin, target in zip(origins, targets, strict=True)
        )

    def _layer(self, origin: Descriptor, target: Descriptor) -> Descriptor:
        """Copy one layer, once among all copies that share turns."""
        if self._options.turns is None:
            return self._layer_tried(origin, target)
        with self._options.turns.of(target.digest or origin.digest, self._running.check):
            return self._layer_tried(origin, target)

    def _layer_tried(self, origin: Descriptor, target: Descriptor) -> Descriptor:
        """Copy one layer, again from its start if the transfer broke."""
        if target.digest and self._destination.has_blob(target):
            self._progress.skipped("blob", origin)
            return target
        wait_seconds = _FIRST_WAIT
        for attempt in range(1, _TRIES + 1):
            self._progress.start("blob", origin)
            try:
                return self._layer_once(origin, target)
            except RegistryError as error:
                if attempt == _TRIES or not getattr(error, "transient", False):
                    raise
                self._running.sleep(wait_seconds)
                wait_seconds *= 2
        raise AssertionError("unreachable")

    def _layer_once(self, origin: Descriptor, target: Descriptor) -> Descriptor:
        """From parts, where the destination has some of it; else, or if that fails, whole."""
        if origin.digest == target.digest:
            parts = self._destination.assembled(origin, self._source)
            if parts is not None:
                try:
                    return self._carried(parts, origin, target)
                except (Corrupt, NotFound, RegistryError, TimedOut):
                    self._running.check()
                    self._progress.start("blob", origin)
        return self._carried(self._source.blob(origin), origin, target)

    def _carried(self, raw: ReadableFile, origin: Descriptor, target: Descriptor) -> Descriptor:
        with raw, self._running.watch(raw), ExitStack() as threads:
            passing = Passing(raw, origin, self._progress, self._running)
            checked = Verified(passing, origin, f"blob {origin.digest}")
            body, told = self._changed(checked, origin, target, threads)
            if self._options.precompute and not target.digest:
                result = self._put_precomputed(target, body)
            else:
                result = self._destination.put_blob(target, body)
            checked.finish()
            said = {key: value for tell in told for key, value in tell().items()}
        self._progress.done("blob", origin)
        return result.replace(annotations={**result.annotations, **said}) if said else result

    def _put_precomputed(self, target: Descriptor, body: ReadableFile) -> Descriptor:
        """Find out what bytes a layer gets, and send them where they are not there yet."""
        from ..transports.files import failing, temporary_file, write_all

        directory = self._options.temporary
        with temporary_file(directory) as file:
            made = Verified(body, target, "layer")
            with failing(directory or "the temporary directory", "writing in"):
                while piece := made.read(PIECE):
                    write_all(file, piece)
            found = made.complete(target)
            if self._destination.has_blob(found):
                return found
            file.seek(0)
            return self._destination.put_blob(found, file)

    def _changed(
        self, body: ReadableFile, origin: Descriptor, target: Descriptor, threads: ExitStack
    ) -> tuple[ReadableFile, list[Callable[[], dict[str, str]]]]:
        """A layer's bytes as its target says: decrypted, recompressed, encrypted; and what tells
        annotations of them, once they were read.
        """
        told: list[Callable[[], dict[str, str]]] = []
        secret = self._secrets.get(origin.digest)
        if secret is not None:
            from .encryption import opening

            body = opening(body, secret, origin)
        if target.size < 0 and target.digest != origin.digest:  # the plan wants others
            plain = threads.enter_context(Ahead(decompressed(body)))
            body = self._recompressed(plain, target, told)
        if is_encrypted(target) and not is_encrypted(origin):
            from ..content.sealing import Sealing

            assert self._options.encryption is not None
            sealing, describe = Sealing(body), self._options.encryption.annotations
            told.append(lambda: describe(sealing))
            body = sealing
        return body, told

    def _recompressed(
        self, plain: ReadableFile, target: Descriptor, told: list[Callable[[], dict[str, str]]]
    ) -> ReadableFile:
        """A plain layer, compressed as its target says; `told` gets what is to be told then."""
        wishes = self._wishes
        target = target.replace(media_type=_plain_type(target))
        if chunked(target, wishes):
            from ..content.chunked import ChunkedWriter

            chunks = ChunkedWriter(plain, wishes.level)
            told.append(lambda: chunks.annotations)
            return chunks
        return compressed(plain, manifests.compression(target.media_type), wishes.level)


def _plain_type(layer: Descriptor) -> str:
    """Its media type before it is encrypted."""
    return layer.media_type.removesuffix(SUFFIX)
