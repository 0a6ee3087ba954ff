"""One module for each verb of rundlet-skopeo."""
