"""Options of `-v`, `--mount` and `--tmpfs` as OCI mount options (podman-run(1), runtime-spec)."""

from __future__ import annotations

import os

from ..errors import InvalidArgument, NotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PROPAGATION = frozenset(
    ("private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable")
)
_PAIRS = (("ro", "rw"), ("nosuid", "suid"), ("nodev", "dev"), ("noexec", "exec"))
_OPPOSITES = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}
_EITHER = (("bind", "rbind"), ("tmpcopyup", "notmpcopyup"))
_FLAGS = """
rro sync async atime noatime relatime norelatime strictatime diratime nodiratime lazytime
nolazytime nosymfollow symfollow
"""
_PLAIN = frozenset(_FLAGS.split())
_BIND = frozenset(("bind", "rbind", "O", "idmap", "ridmap"))
_COPY_UP = frozenset(("tmpcopyup", "notmpcopyup"))
_TMPFS_WORDS = _COPY_UP | {"noswap"}
# Handled by whoever resolves volumes (chown, relabelling, driver options); no mount(2) flags.
_ELSEWHERE_WORDS = """
z Z U copy nocopy nocreate cached delegated consistent relabel chown subpath volume-nocopy
consistency upperdir workdir volume-opt volume-label volume-driver image-subpath volume-subpath
"""
_ELSEWHERE = frozenset(_ELSEWHERE_WORDS.split())
_TMPFS_KEYS = frozenset(("size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge"))
_DEVPTS_KEYS = frozenset(("uid", "gid", "mode", "ptmxmode", "newinstance", "max"))
_SPELLINGS = {
    "readonly": "ro",
    "bind-nonrecursive": "bind",
    "tmpfs-size": "size",
    "tmpfs-mode": "mode",
    "copyup": "tmpcopyup",
    "nocopyup": "notmpcopyup",
}


def check(kind: str, options: Iterable[str]) -> None:
    """Whether a mount of a kind may have the options. Raises InvalidArgument, naming one.

    Of images, artifacts and what a pattern finds that is known only when they are resolved.
    """
    if kind in ("bind", "volume"):
        _words(options, _is_bind_word)
    elif kind in ("tmpfs", "ramfs"):
        _words(options, _is_tmpfs_word)
    elif kind == "devpts":
        _words(options, _is_devpts_word)


def bind(source: str, options: Iterable[str], *, volume: bool = False) -> list[str]:
    """Options of a bind mount: the user's, with podman's defaults rw, rprivate, rbind.

    A volume is nosuid and nodev unless asked otherwise; a host path keeps the flags of
    the file system it lies on. Raises InvalidArgument, naming the option.
    """
    words = _words(options, _is_bind_word)
    if "O" in words:
        raise NotSupported(
            f"{source}: overlay volumes (:O) are not supported", remedy="use :ro, or a volume"
        )
    words = [word for word in words if word not in ("rw", "suid", "dev", "exec")] + (
        [] if "ro" in words or "rro" in words else ["rw"]
    )
    said = set(_words(options, _is_bind_word))
    for flag in _inherited(source, volume):
        if flag not in said and _OPPOSITES[flag] not in said:
            words.append(flag)
    if not PROPAGATION.intersection(words):
        words.append("rprivate")
    if "bind" not in words and "rbind" not in words:
        words.append("rbind")
    return words


def tmpfs(options: Iterable[str]) -> list[str]:
    """Options of a tmpfs: the user's, with podman's rw, rprivate, nosuid, nodev, tmpcopyup."""
    words = _words(options, _is_tmpfs_word)
    said = set(words)
    for default in ("rw", "nosuid", "nodev"):
        if default not in said and _OPPOSITES[default] not in said:
            words.append(default)
    words = [word for word in words if word not in ("suid", "dev", "exec")]
    if not PROPAGATION.intersection(said):
        words.append("rprivate")
    if "notmpcopyup" in said:
        words.remove("notmpcopyup")
    elif "tmpcopyup" not in said:
        words.append("tmpcopyup")
    return words


def wants_chown(options: Iterable[str]) -> bool:
    """Whether `U` (or chown=true) asks to give the source to the container's user."""
    return any(word in ("U", "chown", "chown=true", "U=true") for word in options)


def _inherited(source: str, volume: bool) -> list[str]:
    if volume:
        return ["nosuid", "nodev"]
    try:
        flags = os.statvfs(source).f_flag
    except OSError:
        return []
    named = ((os.ST_NOSUID, "nosuid"), (os.ST_NODEV, "nodev"), (os.ST_NOEXEC, "noexec"))
    return [name for flag, name in named if flags & flag]


def _words(options: Iterable[str], known: Callable[[str], bool]) -> list[str]:
    """Normalised options without repeats; contradictions and unknown ones are errors."""
    words: list[str] = []
    for option in options:
        word = _normal(option)
        if not word or word.partition("=")[0] in _ELSEWHERE:
            continue
        if not known(word):
            raise InvalidArgument(f"invalid mount option {option!r}", remedy="see podman-run(1)")
        if _OPPOSITES.get(word) in words:
            raise InvalidArgument(f"mount options {_OPPOSITES[word]!r} and {word!r} contradict")
        if word not in words:
            words.append(word)
    for one, other in _EITHER:
        if one in words and other in words:
            raise InvalidArgument(f"mount options {one!r} and {other!r} contradict")
    chosen = PROPAGATION.intersection(words)
    if len(chosen) > 1:
        raise InvalidArgument(f"cannot give several propagations: {', '.join(sorted(chosen))}")
    return words


def _normal(option: str) -> str:
    """One spelling per meaning: "readonly=true" is "ro", "bind-propagation=rshared" "rshared"."""
    key, equals, value = option.strip().partition("=")
    if key in ("bind-propagation", "propagation"):
        return value
    if key == "bind-recursive":
        return "rbind" if value in ("enabled", "true", "") else "bind"
    key = _SPELLINGS.get(key, key)
    if not equals:
        return key
    if value.lower() in ("true", "false") and (
        key in _OPPOSITES or key in _PLAIN or key in _COPY_UP or key in _BIND
    ):
        if value.lower() == "true":
            return key
        return _OPPOSITES.get(key, "")
    return f"{key}={value}"


def _is_bind_word(word: str) -> bool:
    name = word.partition("=")[0] if word.startswith(("idmap=", "ridmap=")) else word
    return name in PROPAGATION or name in _OPPOSITES or name in _PLAIN or name in _BIND


def _is_devpts_word(word: str) -> bool:
    key = word.partition("=")[0]
    return key in _DEVPTS_KEYS or word in _OPPOSITES or word in _PLAIN


def _is_tmpfs_word(word: str) -> bool:
    key, equals, _ = word.partition("=")
    if equals:
        return key in _TMPFS_KEYS
    return word in PROPAGATION or word in _OPPOSITES or word in _PLAIN or word in _TMPFS_WORDS
