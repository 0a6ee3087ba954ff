"""`rundlet plugin`: the group."""

from __future__ import annotations

from rundlet.core.commands.declare import Group

GROUP = Group("plugin", "Look at drivers, hooks and commands")
