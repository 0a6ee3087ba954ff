"""Files that appear whole or not at all, and what their failures mean."""

from __future__ import annotations

import fcntl
import io
import os
import stat
from contextlib import contextmanager
from errno import EDQUOT, EINVAL, EISDIR, ENOSPC, EOPNOTSUPP

from ..archive.remove import remove_tree
from ..content.writeback import WriteBack
from ..errors import InvalidArgument, NoSpace, NotFound, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 256 * 1024
_NO_ANONYMOUS = (EOPNOTSUPP, EISDIR, EINVAL)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def failing(path: str, doing: str = "opening") -> Iterator[None]:
    """Turn OSError into the typed error of an operation on a path that the user named."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"{doing} {path}: {error.strerror}") from None
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise NoSpace(f"{doing} {path}: {error.strerror}") from error
        if isinstance(error, NotADirectoryError | IsADirectoryError):
            raise InvalidArgument(f"{doing} {path}: {error.strerror}") from None
        raise StoreError(f"{doing} {path}: {error.strerror or error}") from error


class NewFile:
    """A file on the file system of `path` that nobody sees before `publish`.

    It has no name until then (O_TMPFILE, open(2)), so that a kill leaves nothing; on
    file systems without such files it has a hidden name beside `path`.
    """

    def __init__(self, path: str, mode: int = 0o644) -> None:
        self._path = path
        self._name = ""
        self._special = _is_special(path)
        self.file: io.FileIO
        if self._special:
            self.file = temporary_file("")
            return
        directory = os.path.dirname(os.path.abspath(path))
        self._write_back = WriteBack(directory)
        flags = os.O_RDWR | os.O_CLOEXEC
        try:
            descriptor = os.open(directory, flags | os.O_TMPFILE, mode)
        except OSError as error:
            if error.errno not in _NO_ANONYMOUS:
                raise
            self._name = hidden_name(path)
            descriptor = os.open(self._name, flags | os.O_CREAT | os.O_EXCL, mode)
        self.file = io.FileIO(descriptor, "r+")

    def write(self, data: bytes | memoryview) -> None:
        """Write all of `data`."""
        write_all(self.file, data)
        if not self._special:
            self._write_back.wrote(len(data))

    def publish(self, path: str = "", *, durable: bool = True) -> None:
        """Let the file appear at `path` (else where it was made for), replacing what is there.

        durable: its content is on disk before it has the name. A device or pipe
        (/dev/stdout) gets the content written to it.
        """
        path = path or self._path
        if self._special:
            self._pour(path)
            return
        if durable:
            os.fsync(self.file.fileno())
        if not self._name:
            try:
                self._link(path)
            except FileExistsError:  # what is there is replaced at once, which only rename(2) does
                self._name = hidden_name(path)
                self._link(self._name)
            else:
                return
        os.rename(self._name, path)
        self._name = ""

    def _link(self, path: str) -> None:
        # By linkat(2), which Python only calls when given a descriptor: link(2) would make
        # a hard link to the symbolic link in /proc.
        descriptor = self.file.fileno()
        os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor)

    def close(self) -> None:
        """Close; what was not published is gone."""
        self.file.close()
        if self._name:
            os.unlink(self._name)
            self._name = ""

    def _pour(self, path: str) -> None:
        self.file.seek(0)
        with io.FileIO(path, "w") as out:
            while piece := self.file.read(PIECE):
                write_all(out, piece)


def hidden_name(path: str) -> str:
    """A hidden name beside `path` that nobody else has."""
    directory, name = os.path.split(os.path.abspath(path))
    return os.path.join(directory, f".{name[:200]}.{os.getpid()}-{os.urandom(4).hex()}")


def left_hidden(path: str) -> list[str]:
    """What has a `hidden_name` of `path`: of processes that work on it, or were killed."""
    directory, name = os.path.split(os.path.abspath(path))
    prefix = f".{name[:200]}."
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    found = [each for each in names if each.startswith(prefix)]
    return [os.path.join(directory, each) for each in found if _is_hidden(each[len(prefix) :])]


def _is_hidden(ending: str) -> bool:
    pid, _, chance = ending.partition("-")
    return pid.isdecimal() and len(chance) == 8 and not set(chance) - set("0123456789abcdef")


class HiddenDirectory:
    """A new directory with a hidden name beside `path`: `name`, until `close`.

    It is locked while its process lives; those of processes that were killed are deleted first.
    """

    def __init__(self, path: str) -> None:
        for left in left_hidden(path):
            _delete_unlocked(left)
        self._descriptor = -1
        while self._descriptor < 0:
            self.name = hidden_name(path)
            os.makedirs(self.name, mode=0o755)
            self._descriptor = _locked(self.name)  # else it was just taken for a left one

    def close(self) -> None:
        """Delete what has the name now; nothing happens a second time."""
        if self._descriptor >= 0:
            _delete(self.name)
            os.close(self._descriptor)
            self._descriptor = -1


def _delete_unlocked(path: str) -> None:
    descriptor = _locked(path)
    if descriptor >= 0:
        _delete(path)
        os.close(descriptor)


def _locked(path: str) -> int:
    """A descriptor that holds a directory's lock; -1 where another has it, or none is there."""
    try:
        descriptor = os.open(path, _DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return -1
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.exists(path):
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return -1


def _delete(path: str) -> None:
    directory, name = os.path.split(path)
    parent = os.open(directory, _DIRECTORY)
    try:
        remove_tree(os.fsencode(name), parent)
    except FileNotFoundError:
        return
    finally:
        os.close(parent)


def temporary_file(directory: str) -> io.FileIO:
    """A file without a name, for large things: in `directory`, else TMPDIR or /var/tmp."""
    import tempfile

    directory = directory or os.environ.get("TMPDIR") or "/var/tmp"
    with failing(directory, "making a temporary file in"):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        return tempfile.TemporaryFile(dir=directory, buffering=0)


def write_whole(path: str, data: bytes, mode: int = 0o644) -> None:
    """Write a small file at once: it has the old content or the new, never a part."""
    new = NewFile(path, mode)
    try:
        new.write(data)
        new.publish()
    finally:
        new.close()


def write_all(file: io.FileIO, data: bytes | memoryview) -> None:
    """Write all of `data` to an unbuffered file."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _is_special(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
