"""`rundlet-skopeo logout`: core's, with the option that only skopeo's has (skopeo-logout(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Flag
from rundlet.core.verbs.logout import VERB as LOGOUT

VERB = LOGOUT.replace(
    options=(
        *LOGOUT.options,
        Flag("tls-verify", help="Accepted; nothing is asked of a registry", default=True),
    ),
    examples=("rundlet-skopeo logout quay.io", "rundlet-skopeo logout --all"),
)
