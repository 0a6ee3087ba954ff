"""Working containers: what buildah's verbs from, run, copy, config and commit work on."""
