"""`rundlet healthcheck`: the group."""

from __future__ import annotations

from rundlet.core.commands.declare import Group

GROUP = Group("healthcheck", "Manage health checks on containers")
