"""The node's part of the RuntimeService: version, status, handlers, configuration."""
