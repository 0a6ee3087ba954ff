"""Artifacts: files of any kind under a name, beside images (OCI image-spec 1.1, artifacts)."""
