"""`rundlet-skopeo login`: core's (skopeo-login(1))."""

from __future__ import annotations

from rundlet.core.verbs.login import VERB as LOGIN

VERB = LOGIN.replace(
    examples=("rundlet-skopeo login quay.io", "rundlet-skopeo login -u me --password-stdin HOST")
)
