"""Verbs as data: declaration, fast parser, typer help, dispatch."""
