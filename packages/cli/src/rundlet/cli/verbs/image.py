"""`rundlet image`: the group; most of its verbs are those of the top level."""

from __future__ import annotations

from rundlet.core.commands.declare import Group

GROUP = Group("image", "Manage images")
