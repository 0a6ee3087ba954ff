"""Starting a long-lived program: working directory, session, descriptors, clean signals.

`os.posix_spawn` cannot change the directory, and forking is not safe in programs with
threads; so this is posix_spawn(3) itself, with posix_spawn_file_actions_addchdir_np
(glibc 2.29, musl 1.1.24). `subprocess` would cost 10 to 20 ms to import.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SETPGROUP = 0x02  # spawn.h
_SETSIGDEF = 0x04
_SETSIGMASK = 0x08
_SETSID = 0x80
_OPAQUE = 1024  # more than any libc's posix_spawnattr_t, posix_spawn_file_actions_t, sigset_t
_SIGPIPE = 13
_SIGXFSZ = 25

_libc = ctypes.CDLL(None)
_close_from = getattr(_libc, "posix_spawn_file_actions_addclosefrom_np", None)  # glibc 2.34


def spawn(
    argv: Sequence[str],
    *,
    directory: str,
    environment: Mapping[str, str],
    descriptors: Mapping[int, int],
    session: bool = True,
) -> int:
    """Start argv[0] (an absolute path) in a session of its own; returns its process id.

    session: False for a process group of its own only. What is short-lived is quicker so on a
    busy machine, whose scheduler treats each session as one (sched(7), autogroups).
    descriptors: what each descriptor of the new program is in ours ({0: fd, 1: fd, ...}).
    Others are not passed on, not even our caller's: who reads a pipe to its end would wait for
    the program's. (An old libc passes on what is not close-on-exec.) Signals that Python ignores
    are back at their defaults. Raises OSError naming the program.
    """
    sys.audit("rundlet.spawn", argv)
    actions = ctypes.create_string_buffer(_OPAQUE)
    attributes = ctypes.create_string_buffer(_OPAQUE)
    _libc.posix_spawn_file_actions_init(actions)
    _libc.posix_spawnattr_init(attributes)
    copies = _out_of_the_way(descriptors)
    try:
        for target, source in copies.items():
            _libc.posix_spawn_file_actions_adddup2(actions, source, target)
        if _close_from is not None:
            _close_from(actions, max(descriptors) + 1)
        _libc.posix_spawn_file_actions_addchdir_np(actions, os.fsencode(directory))
        _signals(attributes)
        _libc.posix_spawnattr_setflags(
            attributes,
            ctypes.c_short(_SETSIGDEF | _SETSIGMASK | (_SETSID if session else _SETPGROUP)),
        )
        pid = ctypes.c_int()
        error = _libc.posix_spawn(
            ctypes.byref(pid),
            os.fsencode(argv[0]),
            actions,
            attributes,
            _array([os.fsencode(word) for word in argv]),
            _array([os.fsencode(f"{key}={value}") for key, value in environment.items()]),
        )
    finally:
        for target, source in copies.items():
            if source != descriptors[target]:
                os.close(source)
        _libc.posix_spawn_file_actions_destroy(actions)
        _libc.posix_spawnattr_destroy(attributes)
    if error:
        raise OSError(error, os.strerror(error), argv[0])
    return pid.value


def in_background(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    """Start a program that outlives us and is nobody's child who might not wait for it."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        shell = spawn(
            ("/bin/sh", "-c", '"$@" &', "sh", *argv),
            directory="/",
            environment=environment,
            descriptors={0: null, 1: null, 2: null},
        )
    finally:
        os.close(null)
    os.waitpid(shell, 0)


def _out_of_the_way(descriptors: Mapping[int, int]) -> dict[int, int]:
    """Sources moved above all targets, so that no dup2 overwrites one still needed.

    (And one that already has its number would keep its close-on-exec flag.)
    """
    floor = max(descriptors, default=0) + 1
    return {
        target: fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, floor) if source < floor else source
        for target, source in descriptors.items()
    }


def _signals(attributes: ctypes.Array[ctypes.c_char]) -> None:
    """No signal blocked; those that Python ignores at start (SIGPIPE, SIGXFSZ) not ignored."""
    empty = ctypes.create_string_buffer(_OPAQUE)
    defaults = ctypes.create_string_buffer(_OPAQUE)
    _libc.sigemptyset(empty)
    _libc.sigemptyset(defaults)
    for number in (_SIGPIPE, _SIGXFSZ):
        _libc.sigaddset(defaults, number)
    _libc.posix_spawnattr_setsigmask(attributes, empty)
    _libc.posix_spawnattr_setsigdefault(attributes, defaults)


def _array(words: list[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * (len(words) + 1))(*words, None)
