"""`rundlet runtime`: the group."""

from __future__ import annotations

from rundlet.core.commands.declare import Group

GROUP = Group("runtime", "Look at OCI runtimes, choose and try them")
