"""What the documentation names is there: links, modules of the map, signatures of the seams, verbs
and flags of commands."""

from __future__ import annotations

import ast
import re
import shlex
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import pytest

from rundlet.core.commands.declare import Program, Verb
from rundlet.core.commands.parse import Options, parse_verb
from rundlet.core.commands.verbs import Verbs
from rundlet.core.plugins.index import KINDS

ROOT = Path(__file__).parent.parent
CORE = ROOT / "packages/core/src/rundlet/core"
PAGES = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/*.md", "examples/*/*.md", "packages/*/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall((ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target


def test_package_indexes_have_no_dead_links() -> None:
    """A package's README is shown where the repository is not."""
    for page in ROOT.glob("packages/*/README.md"):
        assert LINK.findall(page.read_text()) == [], page


# --- docs/architecture.md


def _places(word: str, room: str) -> list[Path]:
    """Where a path of the map may be: those of the packages are short, some are of the room."""
    first, _, rest = word.partition("/")
    if first in ("docs", "devtools", "packages"):
        return [ROOT / word.replace("/.../", f"/src/rundlet/{rest.partition('/')[0]}/")]
    tools = [ROOT / f"packages/{name}/src/rundlet" for name in ("cli", "cri", "build")]
    insides = [tool / tool.parent.parent.name for tool in tools]
    return [place / word for place in (CORE.parent, CORE, CORE.parent / room, *tools, *insides)]


def test_the_map_names_what_is_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text().partition("## Where to change what")[2]
    rows = [line.split("|")[2] for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 30
    for row in rows:
        words = [word for word in re.findall(r"`([^`]+)`", row) if "/" in word and " " not in word]
        for word in words:
            found = [
                match
                for place in _places(re.sub("<[a-z]+>|NAME", "*", word).rstrip("/"), words[0])
                for name in (place.name, f"{place.name}.py")
                for match in ROOT.glob(str((place.parent / name).relative_to(ROOT)))
            ]
            assert found, f"{word}: in the row {row}"


# --- docs/seams.md

Seam = tuple[list[str], str, str, list[str]]
"""(modules, class or "", function, parameters)."""


def _seams() -> list[Seam]:
    text = (ROOT / "docs/seams.md").read_text()
    found: list[Seam] = []
    modules: list[str] = []
    kind = ""
    for line in re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0].splitlines():
        if head := re.match(r"# (\w+/|\w+/\w+\.py(, \w+/\w+\.py)*)(?=\s|:|$)", line):
            modules, kind = head[1].split(", "), ""
        if head := re.match(r"class (\w+)", line):
            kind = head[1]
        for name, inside in re.findall(r"def (\w+)\(((?:[^()]|\([^()]*\))*)\)", line):
            inside = re.sub(r"\[[^\]]*\]|\([^)]*\)", "", inside).replace("...", "")
            names = [re.split("[:=]", part)[0].strip() for part in inside.split(",")]
            owner = kind if line.startswith(" ") else ""
            found.append((modules, owner, name, [name for name in names if name not in ("", "*")]))
    return found


@lru_cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _parameters(modules: list[str], kind: str, function: str) -> list[list[str]]:
    """The parameters of all functions of a name in these modules."""
    found = []
    for module in modules:
        for path in (CORE / module).glob("*.py") if module.endswith("/") else [CORE / module]:
            for node in _parsed(path).body:
                inside = node.body if isinstance(node, ast.ClassDef) and node.name == kind else []
                for one in inside if kind else [node]:
                    if isinstance(one, ast.FunctionDef) and one.name == function:
                        args = one.args
                        every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs]
                        every.append(args.kwarg)
                        found.append([arg.arg for arg in every if arg])
    return found


@pytest.mark.parametrize("seam", _seams(), ids=lambda seam: f"{seam[1] or seam[0][0]}.{seam[2]}")
def test_seams_are_as_they_are_written(seam: Seam) -> None:
    modules, kind, function, wanted = seam
    wanted = [name.lstrip("*") for name in wanted]
    there = _parameters(modules, kind, function)
    assert any([name for name in one if name in wanted] == wanted for one in there), there


# --- docs/plugins.md


def test_contracts_and_suites_are_there() -> None:
    text = (ROOT / "docs/plugins.md").read_text()
    rows = re.findall(r"\| `(\w+)` \| `(rundlet\.\w+)` \| `([\w.]+)` \| (?:`([\w.]+)`)? *\|", text)
    assert {group for _, group, *_ in rows} == set(KINDS.values())
    for _, _, contract, suite in rows:
        import_module(f"rundlet.core.{contract}")
        if suite:
            module, _, name = suite.rpartition(".")
            assert hasattr(import_module(f"rundlet.core.{module}"), name)


# --- commands in blocks

PROGRAMS = {
    "rundlet": "rundlet.cli.program",
    "rundlet-build": "rundlet.build.main",
    "rundlet-skopeo": "rundlet.skopeo.main",
}


def _commands() -> list[tuple[str, str]]:
    """(page, command line) of our programs in the shell blocks of all pages."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```(?:sh|console)\n(.*?)```", (ROOT / page).read_text(), re.S):
            for line in block.replace("\\\n", " ").splitlines():
                line = re.sub(r"\s{2,}#.*", "", line).removeprefix("$ ").removeprefix("# ")
                if line.partition(" ")[0] in PROGRAMS and "|" not in line.partition(" ")[2]:
                    found.append((str(page), line.partition(" > ")[0]))
    return found


@pytest.mark.parametrize(("page", "line"), _commands())
def test_commands_are_understood(page: str, line: str) -> None:
    """Verb and flags are there; what the command needs may not be."""
    name, *words = shlex.split(line)
    program: Program = import_module(PROGRAMS[name]).PROGRAM
    options = Options(program.options)
    words = options.parse(words, interspersed=False)
    if words:
        named = words[:1]
        found = Verbs(program).find(words, options, named)
        assert found is not None, f"{page}: {line}"
        assert isinstance(found.declared, Verb), f"{page}: {line}"
        parse_verb(found.declared, found.rest, " ".join((name, *named)), options)
