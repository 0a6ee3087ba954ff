"""`rundlet policy`: the group."""

from __future__ import annotations

from rundlet.core.commands.declare import Group

GROUP = Group("policy", "Look at what admission hooks allow")
