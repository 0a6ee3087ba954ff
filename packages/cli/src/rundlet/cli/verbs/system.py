"""`rundlet system`: the group."""

from __future__ import annotations

from rundlet.core.commands.declare import Group

GROUP = Group("system", "Manage rundlet", "Space used, checks and repairs, and clearing up.")
