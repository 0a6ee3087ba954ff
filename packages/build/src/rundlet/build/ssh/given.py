"""`--ssh default|ID[=SOCKET|KEY[,KEY...]]` (buildah-build(1))."""

from __future__ import annotations

import os
import stat

from rundlet.core.errors import InvalidArgument, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wire import Agent


def agent(text: str) -> tuple[str, Agent]:
    """An id and its agent: that of SSH_AUTH_SOCK where no socket and no key is named.

    Raises NotFound for what is not there, InvalidArgument for what is no key.
    """
    identity, _, places = text.partition("=")
    paths = [path for path in places.split(",") if path]
    if not paths:
        if not os.environ.get("SSH_AUTH_SOCK"):
            raise NotFound(
                f"--ssh {text}: SSH_AUTH_SOCK names no agent",
                remedy="Start ssh-agent(1), or name a key: --ssh default=FILE",
            )
        paths = [os.environ["SSH_AUTH_SOCK"]]
    sockets = [path for path in paths if _is_socket(path, text)]
    if not sockets:
        from .keys import Keys  # slow to import

        return identity or "default", Keys(paths)
    if len(paths) > 1:
        raise InvalidArgument(f"--ssh {text}: only one agent, or keys, can be given")
    from .forwarded import Forwarded

    return identity or "default", Forwarded(os.path.abspath(sockets[0]))


def _is_socket(path: str, text: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError as error:
        raise NotFound(f"--ssh {text}: {path}: {error.strerror}") from None
