"""`rundlet artifact`: the group."""

from __future__ import annotations

from rundlet.core.commands.declare import Group

GROUP = Group("artifact", "Manage OCI artifacts")
