"""`rundlet image trust`: the group."""

from __future__ import annotations

from rundlet.core.commands.declare import Group, Option

GROUP = Group("image trust", "Manage container image trust policy")
PLACES = (
    Option(
        "signature-policy",
        help="Path of the trust policy (default: the one that pulls obey)",
        completes="files",
        aliases=("policypath",),  # its name before podman 6
    ),
    Option("registrypath", hidden=True),
)
"""Other places of the policy and of registries.d."""
