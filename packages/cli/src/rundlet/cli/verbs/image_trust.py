"""`rundlet image trust`: the group."""

from __future__ import annotations

from rundlet.core.commands.declare import Group, Option

GROUP = Group("image trust", "Manage container image trust policy")
HIDDEN = (Option("policypath", hidden=True), Option("registrypath", hidden=True))
"""podman's own tests use them: other places of the policy and of registries.d."""
