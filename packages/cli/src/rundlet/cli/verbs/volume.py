"""`rundlet volume`: the group."""

from __future__ import annotations

from rundlet.core.commands.declare import Group

GROUP = Group("volume", "Manage volumes", "Volumes are created in and can be shared by containers.")
