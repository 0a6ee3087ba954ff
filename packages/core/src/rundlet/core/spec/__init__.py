"""The OCI config.json, built in one place."""
