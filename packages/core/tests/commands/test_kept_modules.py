"""The file of kept modules is never seen but in the time it saves: in a real environment."""

from __future__ import annotations

import json
import marshal
import os
import shutil
import subprocess
import time
import venv
from pathlib import Path

import pytest

import rundlet.core

# The program that is started: it does what its argument says.
MAIN = """
import json, sys
from prog import package, part
from prog.package import inner
def main():
    exec(sys.argv[1], {"part": part, "package": package, "inner": inner, "sys": sys})
    return 0
"""
PART = "VALUE = 1\ndef fail():\n    raise ValueError('from part')\n"
KEPT = "import json; print(type(sys.modules['prog.part'].__loader__).__name__)"
SHIPPED = "as the distribution has it"
# What there is to see of a module, and of an error in it.
SHOW = """
import inspect, json, linecache, traceback
from importlib.machinery import SourceFileLoader
told = {}
for name in ("prog", "prog.part", "prog.package", "prog.package.inner", "space.one", "json.decoder",
             "json", "_ctypes"):
    module = __import__(name, fromlist=["*"])
    spec = module.__spec__
    told[name] = [module.__name__, module.__file__, module.__package__, spec.parent,
        getattr(module, "__cached__", None), list(getattr(module, "__path__", [])), spec.name,
        spec.origin, spec.cached, spec.has_location, spec.submodule_search_locations,
        spec.loader is module.__loader__, spec.loader.path, spec.loader.is_package(name),
        isinstance(spec.loader, SourceFileLoader), spec.loader.get_source(name), repr(module)]
try:
    part.fail()
except ValueError:
    told["traceback"] = traceback.format_exc()
told["source"] = inspect.getsource(part.fail)
print(json.dumps(told))
"""


class Place:
    """A virtual environment with a program in it that is started as Rundlet's are."""

    def __init__(self, directory: Path) -> None:
        venv.create(directory, symlinks=True)
        self.python = directory / "bin/python3"
        (self.site,) = directory.glob("lib/python3*/site-packages")
        self.commands = self.site / "rundlet/core/commands"
        (source,) = rundlet.core.__path__
        ours = shutil.ignore_patterns("__pycache__")  # may have files of kept modules, too
        shutil.copytree(Path(source) / "commands", self.commands, ignore=ours)
        shutil.copy(Path(source) / "__init__.py", self.site / "rundlet/core")
        self.kept = self.site / "kept/prog"
        self.write("prog/__init__.py", MAIN)
        self.write("prog/part.py", PART)
        self.write("kept/prog", SHIPPED)
        self.write("prog/package/__init__.py", "")
        self.write("prog/package/inner.py", "VALUE = 1\n")
        self.write("space/one.py", "")
        self.settle()

    def write(self, name: str, text: str) -> None:
        path = self.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def settle(self) -> None:
        """Let all that there is be compiled, and have been there for long."""
        subprocess.run([self.python, "-m", "compileall", "-q", self.site], check=True)
        for path in (self.site, *self.site.rglob("*")):
            os.utime(path, (path.stat().st_mtime - 1000,) * 2, follow_symlinks=False)

    def command(self, code: str) -> list[str]:
        launch = str(self.commands / "launch.py")
        return [str(self.python), "-I", "-S", launch, "prog", code]

    def __call__(self, code: str, **environment: str) -> str:
        done = subprocess.run(
            self.command(code), env={**os.environ, **environment},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def value(self) -> str:
        return self("print(part.VALUE)").strip()

    def identity(self) -> tuple[int, int]:
        """Of the file: another one when it was written anew."""
        status = self.kept.stat()
        return status.st_ino, status.st_mtime_ns

    def uses_kept(self) -> bool:
        return self(KEPT) == "Loader\n"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A program whose modules are kept."""
    found = Place(tmp_path / "venv")
    found(SHOW)
    assert found.uses_kept()
    return found


def test_modules_look_as_ever(place: Place) -> None:
    kept, ordinary = (json.loads(place(SHOW, RUNDLET_KEEP_MODULES=word)) for word in "10")
    assert kept == ordinary
    assert "prog/part.py" in kept["traceback"] and "raise ValueError" in kept["traceback"]


def test_written_once(place: Place) -> None:
    """A command that imports less, and the same one again, leave the file alone."""
    before = place.identity()
    for code in (SHOW, "pass", SHOW):
        place(code)
    assert place.identity() == before
    place("import json.tool")  # and one that imports more adds to it
    after = place.identity()
    assert after != before
    for code in (SHOW, "import json.tool"):
        place(code)
    assert place.identity() == after


def test_an_upgrade_is_seen_at_once(place: Place) -> None:
    part = place.site / "prog/part.py"
    with part.open("r+") as file:  # in place: the directory does not change
        file.write("VALUE = 2")
    assert place.value() == "2"
    place.settle()
    assert place.value() == "2" and place.uses_kept()
    status = part.stat()
    part.write_text(PART.replace("1", "33"))
    os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert place.value() == "33"


def test_what_is_found_first_is_seen_at_once(place: Place, tmp_path: Path) -> None:
    place.write("prog/part/__init__.py", "VALUE = 'package'")  # goes before a module
    assert place.value() == "package"
    shutil.rmtree(place.site / "prog/part")
    assert place.value() == "1"
    # A directory that goes before, at the top and in a namespace package.
    code = "import space.one, textwrap; print(space.one.__file__, textwrap.__file__)"
    place(code)
    (tmp_path / "first/space").mkdir(parents=True)
    (tmp_path / "first/space/one.py").touch()
    (tmp_path / "first/textwrap.py").touch()
    first = f"sys.path.insert(0, {str(tmp_path / 'first')!r}); {code}"
    assert place(first).count(str(tmp_path / "first")) == 2
    assert place(code).count(str(tmp_path / "first")) == 0


def test_what_was_removed_is_gone(place: Place) -> None:
    (place.site / "prog/package/inner.py").unlink()
    done = subprocess.run(place.command("pass"), capture_output=True, text=True, check=False)
    assert "ImportError: cannot import name 'inner'" in done.stderr


def test_a_module_that_is_loaded_again_is_found_and_read_again(place: Place) -> None:
    code = """
import importlib, os
with open(part.__file__, "w") as file:
    file.write("VALUE = 22")
print(importlib.reload(part).VALUE)
directory = part.__file__.removesuffix(".py")
os.mkdir(directory)
with open(directory + "/__init__.py", "w") as file:
    file.write("VALUE = 'package'")
importlib.invalidate_caches()
print(importlib.reload(part).VALUE)
"""
    assert place(code) == "22\npackage\n"


def _zeroed(data: bytes) -> bytes:
    """The code of all modules is zeros."""
    index = 16 + int.from_bytes(data[:8])
    return data[:index] + bytes(len(data) - index)


def _foreign(data: bytes) -> bytes:
    """Written by another Python, well formed."""
    from rundlet.core.commands.kept_modules import head_of

    length = int.from_bytes(data[:8])
    key, *rest = marshal.loads(data[16 : 16 + length])
    index = marshal.dumps(((*key[:2], "3.99", *key[3:]), *rest))
    return head_of(index) + index + data[16 + length :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:10],
        lambda data: b"",
        lambda data: b"\xff" * len(data),
        lambda data: data[:40] + b"\0\0\0\0" + data[44:],
        _zeroed,
        _foreign,
    ],
)
def test_a_damaged_file_is_made_anew(place: Place, damage: object) -> None:
    place.kept.write_bytes(damage(place.kept.read_bytes()))  # type: ignore[operator]
    assert place.value() == "1"
    assert place.uses_kept()


def test_what_others_can_write_is_not_used(place: Place) -> None:
    place.kept.chmod(0o666)
    assert not place.uses_kept()
    assert place.uses_kept()  # written anew, by us alone
    os.chown(place.kept, 12345, 12345)
    assert not place.uses_kept()
    place.kept.unlink()
    place.kept.write_text(SHIPPED)
    place.kept.parent.chmod(0o777)
    for _ in range(2):
        assert not place.uses_kept()
    assert place.kept.read_text() == SHIPPED


def test_what_was_uninstalled_is_not_made_again(place: Place) -> None:
    place.kept.unlink()
    for _ in range(2):
        assert not place.uses_kept()
    assert not list(place.kept.parent.iterdir())


def test_read_only(place: Place) -> None:
    place.kept.write_text(SHIPPED)
    ro = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", ro, str(place.site), *place.command("print(1)")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert place.kept.read_text() == SHIPPED


def test_written_by_many_at_once(place: Place) -> None:
    place.kept.write_text(SHIPPED)
    many = [
        subprocess.Popen(place.command(SHOW), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(8)
    ]
    answers = {process.communicate() for process in many}
    assert len(answers) == 1 and answers.pop()[1] == b""
    assert place.uses_kept()
    # What a killed one left is no hindrance for long.
    left = place.kept.with_name(f"{place.kept.name}.new")
    assert not left.exists()
    left.touch()
    os.utime(left, (time.time() - 100,) * 2)
    place.kept.write_text(SHIPPED)
    place("pass")
    assert place.uses_kept() or place.uses_kept()
    assert list(place.kept.parent.iterdir()) == [place.kept]


def test_modules_that_are_taken_away_are_no_hindrance(place: Place) -> None:
    assert place("import json.tool; del sys.modules['json']; print(1)") == "1\n"


def test_what_has_just_changed_is_not_kept_yet(place: Place) -> None:
    place.write("prog/part.py", "VALUE = 2")
    for _ in range(2):
        assert not place.uses_kept()
    place.settle()
    place("pass")
    assert place.uses_kept()


def test_a_command_that_imports_very_much_keeps_nothing(place: Place) -> None:
    for number in range(360):
        place.write(f"prog/many{number}.py", "")
    place.settle()
    place.kept.write_text(SHIPPED)
    place("for n in range(360): __import__(f'prog.many{n}')")
    assert place.kept.read_text() == SHIPPED
