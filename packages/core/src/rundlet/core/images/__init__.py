"""Images: references, manifests, configs, and copying them between places."""
