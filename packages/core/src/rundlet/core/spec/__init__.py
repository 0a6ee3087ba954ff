"""The OCI `config.json`: defaults, image config, the user's request, in that order."""
