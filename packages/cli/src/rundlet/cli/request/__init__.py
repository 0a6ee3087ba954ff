"""From the options of `run` and `create` to a ContainerRequest: a module per group."""
