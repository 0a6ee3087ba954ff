"""Files from elsewhere: git repositories and http URLs."""

from __future__ import annotations

import os

from rundlet.core.archive.extract import extract
from rundlet.core.archive.whiteouts import PLAIN
from rundlet.core.content.compress import decompressed
from rundlet.core.errors import DigestMismatch, InvalidArgument, NotFound, RegistryError
from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rundlet.core.streams import ReadableFile

    from .locations import Git

_PIECE = 1 << 18
_TIMEOUT = 60.0
"""Seconds without a byte until a download is given up."""


class Download(Value):
    """A file that was fetched: its last name in the URL, its digest, its time (ns, 0 unknown)."""

    name: str
    digest: str
    modified: int


def download(url: str, target: str, *, checksum: str = "") -> Download:
    """Fetch a URL into a new file. checksum: `sha256:...` that it must have, or "".

    Raises NotFound, RegistryError naming the URL and the answer, DigestMismatch.
    """
    import urllib3

    pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=urllib3.Retry(3, redirect=10))
    import hashlib

    found = hashlib.sha256()
    try:
        answer = pool.request("GET", url, preload_content=False, decode_content=False)
        if answer.status != 200:
            kind = NotFound if answer.status == 404 else RegistryError
            raise kind(f"{url}: the server answered {answer.status} {answer.reason}")
        with open(target, "xb") as out:
            for piece in answer.stream(_PIECE):
                found.update(piece)
                out.write(piece)
        final = answer.geturl() or url
    except urllib3.exceptions.HTTPError as error:
        raise RegistryError(f"{url}: {error}") from None
    digest = f"sha256:{found.hexdigest()}"
    if checksum and checksum != digest:
        raise DigestMismatch(url, checksum, digest)
    return Download(_name(final) or _name(url), digest, _modified(answer.headers))


def _name(url: str) -> str:
    import urllib.parse

    path = urllib.parse.urlsplit(url).path
    return urllib.parse.unquote(path.rstrip("/").rpartition("/")[2])


def _modified(headers: Mapping[str, str]) -> int:
    """`Last-Modified` in nanoseconds."""
    import email.utils  # here and elsewhere: what few builds need is slow to import

    text = headers.get("Last-Modified")
    if text is None:
        return 0
    try:
        return int(email.utils.parsedate_to_datetime(text).timestamp()) * 1_000_000_000
    except (TypeError, ValueError):
        return 0


class Clone(Value):
    """A repository that was cloned: the directory in it that was meant, and its commit."""

    directory: str
    commit: str


def clone(what: Git, target: str, *, keep_git: bool = True, commit: str = "") -> Clone:
    """Clone a repository into a new directory.

    commit: the (beginning of the) hash that it must have, "" for any. Raises NotFound for a
    directory that is not there, DigestMismatch, InvalidArgument for what git cannot do.
    """
    _git("clone", "--quiet", "--no-checkout", "--", what.url, target)
    ref = what.ref or "HEAD"
    for candidate in (f"origin/{ref}", ref):
        if _is_commit(target, candidate):
            break
    else:
        _git("fetch", "--quiet", "origin", "--", ref, directory=target)
        candidate = "FETCH_HEAD"
    _git("checkout", "--quiet", "--detach", candidate, directory=target)
    found = _git("rev-parse", "HEAD", directory=target).strip()
    if not found.startswith(commit.lower()):
        raise DigestMismatch(what.url, commit, found)
    _git("submodule", "--quiet", "update", "--init", "--recursive", directory=target)
    if not keep_git:
        from rundlet.core.archive.remove import remove_tree

        parent = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            remove_tree(b".git", parent)
        finally:
            os.close(parent)
    inside = os.path.join(target, what.directory) if what.directory else target
    real = os.path.realpath(inside)
    if not os.path.isdir(real) or not f"{real}/".startswith(f"{os.path.realpath(target)}/"):
        raise NotFound(f"{what.url}: no directory {what.directory!r} in the repository")
    return Clone(real, found)


def _is_commit(directory: str, name: str) -> bool:
    import subprocess

    words = ["git", "-C", directory, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"]
    return subprocess.run(words, stdout=subprocess.DEVNULL, check=False).returncode == 0


def _git(*words: str, directory: str = ".") -> str:
    """Run git in a directory, where it must never ask; what it prints.

    Raises InvalidArgument with its own words.
    """
    import subprocess

    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true"}
    try:
        done = subprocess.run(
            ["git", "-C", directory, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise NotFound("git is not installed", remedy="Install it: apt-get install git") from None
    if done.returncode:
        raise InvalidArgument(f"git {words[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def unpack(stream: ReadableFile, target: str) -> None:
    """Unpack a tar, compressed or not, below a directory. Raises Corrupt, UnsafeArchive."""
    root = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with decompressed(stream) as plain:
            extract(plain, root, whiteouts=PLAIN)
    finally:
        os.close(root)


def is_archive(path: str) -> bool:
    """Whether a file is a tar, compressed or not (gzip, xz, zstd, bzip2): what ADD unpacks."""
    from rundlet.core.archive.read import TarReader
    from rundlet.core.errors import Corrupt

    with open(path, "rb") as file:
        start = file.read(512)
    if len(start) < 6:
        return False
    try:
        with open(path, "rb") as file, decompressed(file) as plain:
            block = plain.read(512)
        if len(block) < 512 or (block[257:262] != b"ustar" and any(block)):
            return False
        with open(path, "rb") as file, decompressed(file) as plain:
            TarReader(plain).next()
    except (Corrupt, EOFError, OSError):
        return False
    return True
