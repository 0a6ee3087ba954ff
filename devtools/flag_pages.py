"""What the pages of flags share: a section for each verb, a line for each flag."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rundlet.core.commands.declare import Flag, Option, Verb


def sections(everything: dict[str, Verb], state: Callable[[str, Flag | Option], str]) -> list[str]:
    """Lines for all verbs, by the words that are typed. state: how a verb's flag stands."""
    own = {name: verb for name, verb in everything.items() if _own_name(name, verb, everything)}
    parts: list[str] = []
    for name, verb in sorted(own.items()):
        also = sorted(other for other, its in everything.items() if its is verb and other != name)
        parts += ["", f"## {name}\n", f"{verb.summary}."]
        if also:
            parts.append(f"Also typed as {', '.join(f'`{other}`' for other in also)}.")
        if verb.options:
            parts += ["", *table(verb.options, partial(state, name))]
    return parts


def _own_name(name: str, verb: Verb, everything: dict[str, Verb]) -> bool:
    return verb.name == name or verb.name not in everything


def table(options: tuple[Flag | Option, ...], state: Callable[[Flag | Option], str]) -> list[str]:
    """A table of flags."""
    lines = ["| flag | state |", "| --- | --- |"]
    for option in sorted(options, key=lambda one: one.name):
        short = f", `-{option.short}`" if option.short else ""
        lines.append(f"| `--{option.name}`{short} | {state(option)} |")
    return lines
