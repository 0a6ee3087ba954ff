"""Mounting an overlay over any number of layers.

mount(2) takes its options as text of one page, which some 40 absolute paths fill. So, in
this order: the plain paths where they fit and contain no separator; Linux 6.8's
`lowerdir+` of fsconfig(2), one layer at a time; else names of open descriptors.
"""

from __future__ import annotations

import errno
import os

from ..errors import InvalidArgument, NotSupported, StoreError
from ..linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.storage import MountOptions

_KERNEL_OPTIONS = ("metacopy", "redirect_dir", "index", "xino", "userxattr", "uuid", "volatile")
_MOUNT_FLAGS = {
    "nodev": syscalls.MS_NODEV,
    "nosuid": syscalls.MS_NOSUID,
    "noexec": syscalls.MS_NOEXEC,
    "rw": 0,
}
_LONGEST_DATA = 4095  # a page, with a terminating NUL
_SEPARATORS = ",:\\"
_LONGEST_VALUE = 255  # fsconfig(2)
_TOO_OLD = (errno.ENOSYS, errno.EINVAL, errno.EPERM)


def checked_words(text: str) -> list[str]:
    """The words of `mountopt`. Raises InvalidArgument for one that overlayfs does not know."""
    words = [word for word in text.split(",") if word]
    for word in words:
        if word not in _MOUNT_FLAGS and word.partition("=")[0] not in _KERNEL_OPTIONS:
            raise InvalidArgument(
                f"storage option overlay.mountopt: unknown word {word!r}",
                remedy=f"Known: {', '.join((*_KERNEL_OPTIONS, *_MOUNT_FLAGS))}.",
            )
    return words


def words_of(options: MountOptions) -> list[str]:
    """The words that one mount adds to the driver's. Raises NotSupported for an unknown option."""
    words: list[str] = []
    for extra in options.extra:
        key, _, value = extra.removeprefix("overlay.").partition("=")
        if key == "mountopt":
            words += checked_words(value)
        elif key == "volatile":
            words += ["volatile"] if value in ("", "true", "1") else []
        else:
            raise NotSupported(f"storage driver overlay has no option {extra!r}")
    if options.label:
        words.append(f'context="{options.label}"')
    return words


def split_words(words: Sequence[str]) -> tuple[list[str], int]:
    """Those that are overlayfs' own, and the flags of mount(2) that the others mean."""
    flags = 0
    for word in words:
        flags |= _MOUNT_FLAGS.get(word, 0)
    return [word for word in words if word not in _MOUNT_FLAGS], flags


def redirects(words: Sequence[str]) -> bool:
    """Whether overlayfs leaves files and names in the lower layers, with a note in the upper."""
    return any(
        word in ("metacopy=on", "redirect_dir=on") or word.startswith("redirect_dir=f")
        for word in words
    )


def mount_overlay(
    target: str,
    lowers: Sequence[str],
    upper: str = "",
    work: str = "",
    words: Sequence[str] = (),
    flags: int = 0,
) -> None:
    """Mount `lowers` (topmost first, at least one) below `upper`, or two without an upper.

    words: further overlayfs options. flags: MS_RDONLY, MS_NODEV, MS_NOSUID, MS_NOEXEC.
    Raises OSError as mount(2) does, NotSupported for more layers than this kernel takes.
    """
    paths = [*lowers, upper, work]
    data = _data(lowers, upper, work, words)
    plain = not any(character in path for path in paths for character in _SEPARATORS)
    if plain and len(os.fsencode(data)) <= _LONGEST_DATA:
        syscalls.mount("overlay", target, "overlay", flags, data)
        return
    if not (plain and all(len(os.fsencode(path)) <= _LONGEST_VALUE for path in paths)) or (
        not _mount_one_by_one(target, lowers, upper, work, words, flags)
    ):
        _mount_by_descriptors(target, lowers, upper, work, words, flags)


def _data(lowers: Sequence[str], upper: str, work: str, words: Sequence[str]) -> str:
    parts = [f"lowerdir={':'.join(lowers)}"]
    if upper:
        parts += [f"upperdir={upper}", f"workdir={work}"]
    return ",".join([*parts, *words])


def _mount_one_by_one(
    target: str,
    lowers: Sequence[str],
    upper: str,
    work: str,
    words: Sequence[str],
    flags: int,
) -> bool:
    """False where the kernel has no `lowerdir+`."""
    from ..linux.mount_api import mount_new

    options: list[tuple[str, str | None]] = [("lowerdir+", lower) for lower in lowers]
    if upper:
        options += [("upperdir", upper), ("workdir", work)]
    for word in words:
        key, equals, value = word.partition("=")
        options.append((key, value if equals else None))
    try:
        mount_new("overlay", target, options, flags)
    except OSError as error:
        if error.errno in _TOO_OLD:
            return False
        raise
    return True


def _mount_by_descriptors(
    target: str, lowers: Sequence[str], upper: str, work: str, words: Sequence[str], flags: int
) -> None:
    """With `/proc/self/fd/N` for paths: short, and free of separators."""
    opened: list[int] = []

    def name(path: str) -> str:
        opened.append(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        return f"/proc/self/fd/{opened[-1]}"

    try:
        short = [name(path) for path in lowers]
        uppers = (name(upper), name(work)) if upper else ("", "")
        data = _data(short, *uppers, words)
        if len(data) > _LONGEST_DATA:
            raise NotSupported(
                f"{len(lowers)} layers are more than this kernel can mount at once",
                remedy="Linux 6.8 or later can; or squash the image into fewer layers.",
            )
        syscalls.mount("overlay", target, "overlay", flags, data)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def explained(error: OSError, target: str, words: Sequence[str]) -> StoreError:
    """What a refused mount means."""
    remedies = {
        errno.EPERM: "Mounting needs root (CAP_SYS_ADMIN).",
        errno.ENODEV: "This kernel has no overlayfs: load the module, or use --storage-driver vfs.",
        errno.EINVAL: f"See the kernel's log (dmesg); mount options: {','.join(words) or 'none'}.",
        errno.ESTALE: "The directory belonged to another set of layers before.",
    }
    return StoreError(
        f"cannot mount an overlay on {target}: {error.strerror}",
        remedy=remedies.get(error.errno or 0, ""),
    )
