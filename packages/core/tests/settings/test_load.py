"""Which file or variable wins, and when the kept snapshot is made anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rundlet.core.commands.options import ENGINE_OPTIONS
from rundlet.core.commands.parse import Options
from rundlet.core.errors import NotSupported, SettingsError
from rundlet.core.settings import load
from rundlet.core.settings.snapshot import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .conftest import Machine

pytestmark = pytest.mark.usefixtures("machine")


def test_nothing_configured_is_the_defaults_and_leaves_no_cache(machine: Machine) -> None:
    assert machine.load() == Settings()
    assert not machine.cache.exists()


def test_order_of_files_and_variables(machine: Machine) -> None:
    conf = machine.etc / "containers/containers.conf"
    machine.write(machine.vendor / "containers/containers.conf", "[engine]\nruntime = 'a'\n")
    assert machine.load().runtime == "a"
    machine.write(conf, "[engine]\nruntime = 'b'\n[containers]\npids_limit = 7\n")
    assert machine.load().runtime == "b"
    machine.write(conf.with_name("containers.conf.d") / "20.conf", "[engine]\nruntime = 'd'\n")
    machine.write(conf.with_name("containers.conf.d") / "10.conf", "[engine]\nruntime = 'c'\n")
    machine.write(conf.with_name("containers.conf.d") / "30.off", "[engine]\nruntime = 'no'\n")
    assert machine.load().runtime == "d"
    toml = machine.etc / "rundlet/rundlet.toml"
    machine.write(toml, "runtime = 'e'\n")
    assert machine.load().runtime == "e"
    machine.write(toml.with_name("rundlet.toml.d") / "10.toml", "runtime = 'f'\n")
    settings = machine.load()
    assert (settings.runtime, settings.pids_limit) == ("f", 7)
    assert machine.load(RUNDLET_RUNTIME="g").runtime == "g"


def test_the_files_of_a_user_come_after_those_of_the_system(machine: Machine) -> None:
    user = machine.etc.parent / "home"
    machine.write(machine.etc / "containers/containers.conf.d/x.conf", "[engine]\nruntime='a'\n")
    machine.write(user / "containers/containers.conf", "[engine]\nruntime = 'b'\n")
    assert machine.load(USER_CONF=str(user)).runtime == "b"
    assert machine.load().runtime == "a"


def test_tables_of_drop_ins_are_merged_by_key(machine: Machine) -> None:
    toml = machine.etc / "rundlet/rundlet.toml"
    machine.write(toml, "[runtimes.crun]\npath = '/a'\nargs = ['--x']\n[runtimes.mine]\nroot='/r'")
    machine.write(toml.with_name("rundlet.toml.d") / "1.toml", "[runtimes.crun]\npath = '/b'\n")
    assert machine.load().runtimes == {
        "crun": {"path": "/b", "args": ["--x"]},
        "mine": {"root": "/r"},
    }


def test_variables_that_name_files(machine: Machine, tmp_path: Path) -> None:
    machine.write(machine.etc / "containers/containers.conf", "[engine]\nruntime = 'system'\n")
    alone = machine.write(tmp_path / "alone.conf", "[containers]\npids_limit = 5\n")
    over = machine.write(tmp_path / "over.conf", "[containers]\npids_limit = 6\n")
    only = machine.load(CONTAINERS_CONF=str(alone))
    assert (only.runtime, only.pids_limit) == ("", 5)
    both = machine.load(CONTAINERS_CONF=str(alone), CONTAINERS_CONF_OVERRIDE=str(over))
    assert both.pids_limit == 6
    assert machine.load(CONTAINERS_CONF_OVERRIDE=str(over)).runtime == "system"
    for name in ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "RUNDLET_CONF"):
        with pytest.raises(SettingsError, match=f"{name}: /no/such: no such file"):
            machine.load(**{name: "/no/such"})


def test_modules_of_containers_conf(machine: Machine, tmp_path: Path) -> None:
    place = machine.etc / "containers/containers.conf.modules"
    machine.write(place / "small", "[containers]\npids_limit = 3\n")
    path = machine.write(tmp_path / "by-path.conf", "[engine]\nruntime = 'm'\n")
    settings = machine.load("small", str(path))
    assert (settings.pids_limit, settings.runtime) == (3, "m")
    assert machine.load().pids_limit == Settings().pids_limit
    with pytest.raises(SettingsError, match="could not resolve module 'none'"):
        machine.load("none")


def test_storage_conf_strongest_whole_file_then_drop_ins(machine: Machine) -> None:
    machine.write(
        machine.vendor / "containers/storage.conf",
        "[storage]\ndriver = 'vfs'\n[storage.options.vfs]\nignore_chown_errors = 'true'\n",
    )
    assert machine.load().storage_driver == "vfs"
    conf = machine.etc / "containers/storage.conf"
    machine.write(conf, "[storage]\ngraphroot = '/x'\n[storage.options.overlay]\nmountopt='nodev'")
    settings = machine.load()
    assert settings.storage_driver == ""
    assert settings.graph_root == Settings().graph_root, "podman's own store is not ours"
    assert settings.storage_options == {"overlay": {"mountopt": "nodev"}}
    machine.write(
        conf.with_name("storage.conf.d") / "a.conf", "[storage.options.overlay]\nsize='1'"
    )
    assert machine.load().storage_options == {"overlay": {"mountopt": "nodev", "size": "1"}}
    text = "mountopt = 'volatile'\nignore_chown_errors = 'true'\nforce_mask = ''"
    machine.write(conf, f"[storage.options]\n{text}\n")
    found = machine.load()
    own = {"ignore_chown_errors": "true"}
    options = {"overlay": {**own, "mountopt": "volatile", "size": "1"}, "vfs": own}
    assert (found.storage_options, found.unknown_keys) == (options, ())


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("pids_limit", "12", 12),
        ("init", "true", True),
        ("lock_timeout", "1.5", 1.5),
        ("dns_servers", "1.1.1.1,8.8.8.8", ("1.1.1.1", "8.8.8.8")),
        ("dns_servers", '["1.1.1.1"]', ("1.1.1.1",)),
        ("default_capabilities", "", ()),
        ("runtimes", '{"crun": {"path": "/x"}}', {"crun": {"path": "/x"}}),
    ],
)
def test_variables_of_all_types(machine: Machine, name: str, text: str, value: object) -> None:
    assert getattr(machine.load(**{f"RUNDLET_{name.upper()}": text}), name) == value


def test_a_child_reads_what_this_process_reads(machine: Machine) -> None:
    toml = machine.write(machine.etc / "rundlet/rundlet.toml", "runtimes.mine.root = '/r'\n")
    variables = {**machine.variables, "RUNDLET_DNS_SERVERS": "1.1.1.1"}
    settings = load.load(variables, apart=True)
    assert settings.runtimes == {"mine": {"root": "/r"}}
    assert settings == load.load({**variables, "RUNDLET_CACHE": str(machine.etc / "none")})
    machine.write(toml, "no_such_key = 1\n")
    with pytest.raises(SettingsError, match="no_such_key"):
        load.load(variables, apart=True)


def count_compiles(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the files are really read."""
    done: list[int] = []
    original = load.compiled

    def counted(*arguments: object) -> object:
        done.append(1)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(load, "compiled", counted)
    return done


def test_snapshot_is_kept_until_something_changes(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = count_compiles(monkeypatch)
    conf = machine.write(machine.etc / "containers/containers.conf", "[engine]\nruntime='a'\n")
    drop_in = conf.with_name("containers.conf.d") / "1.conf"

    def after(change: object, runtime: str) -> None:
        assert machine.load().runtime == runtime
        assert machine.load().runtime == runtime
        assert len(done) <= 1, f"read once after {change}"
        done.clear()

    after("the first file", "a")
    machine.write(conf, "[engine]\nruntime='b'\n")
    after("a change", "b")
    machine.write(drop_in, "[engine]\nruntime='c'\n")
    after("a new drop-in", "c")
    machine.write(drop_in, "[engine]\nruntime='d'\n")  # its directory's time stays
    after("a change of a drop-in", "d")
    times = drop_in.stat()
    drop_in.write_text("[engine]\nruntime='long'\n")
    os.utime(drop_in, ns=(times.st_atime_ns, times.st_mtime_ns))
    after("another size at the same time", "long")
    drop_in.unlink()
    after("a drop-in that went", "b")
    machine.write(machine.etc / "rundlet/rundlet.toml", "runtime='e'\n")
    after("a rundlet.toml", "e")


def test_variables_have_snapshots_of_their_own(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = count_compiles(monkeypatch)
    for _ in range(3):
        for root in ("/a", "/bc"):
            assert machine.load(RUNDLET_GRAPH_ROOT=root).graph_root == root
    assert len(done) == 2
    for number in range(40):
        machine.load(RUNDLET_GRAPH_ROOT=f"/{number}")
    assert len(list(machine.cache.iterdir())) <= 16, "the directory does not grow for ever"


def test_a_file_of_this_moment_is_not_remembered(machine: Machine) -> None:
    path = machine.write(machine.etc / "rundlet/rundlet.toml", "runtime='a'\n")
    os.utime(path)
    assert machine.load().runtime == "a"
    assert not machine.cache.exists()


@pytest.mark.parametrize("damage", [b"", b"\0\0", b"not marshal", b"(\x02\x00\x00\x00N"])
def test_a_damaged_snapshot_is_made_anew(machine: Machine, damage: bytes) -> None:
    machine.write(machine.etc / "rundlet/rundlet.toml", "runtime='a'\n")
    machine.load()
    (kept,) = machine.cache.iterdir()
    kept.write_bytes(damage)
    assert machine.load().runtime == "a"


def test_a_snapshot_that_others_may_write_is_not_read(machine: Machine) -> None:
    toml = machine.write(machine.etc / "rundlet/rundlet.toml", "runtime='a'\n")
    machine.load()
    (kept,) = machine.cache.iterdir()
    kept.chmod(0o666)
    times = toml.stat()
    toml.write_text("runtime='b'\n")
    os.utime(toml, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert machine.load().runtime == "b"


def test_a_cache_that_cannot_be_written_is_done_without(machine: Machine) -> None:
    machine.write(machine.etc / "rundlet/rundlet.toml", "runtime='a'\n")
    machine.cache.write_text("a file where the directory should be")
    assert machine.load().runtime == "a"


def options(*words: str) -> object:
    from rundlet.cli.program import PROGRAM

    options = Options(PROGRAM.options)
    options.parse(words)
    return options.parsed()


def test_options_over_everything(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in machine.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RUNDLET_RUNTIME", "variable")
    place = machine.etc / "containers/containers.conf.modules"
    machine.write(place / "m", "[containers]\npids_limit = 3\n")
    words = ("--runtime=typed", "--module", "m", "--registries-conf=/r", "--storage-opt", "a.b=c",
             "--volumepath=/x", "--transient-store", "--imagestore=/s")  # fmt: skip
    settings = load.from_options(options(*words))  # type: ignore[arg-type]
    assert (settings.volume_path, settings.transient_store) == ("/x", True)
    assert settings.image_store == "/s"
    assert settings.runtime == "typed"
    assert settings.pids_limit == 3
    assert settings.registries_conf == "/r"
    assert settings.storage_options == {"a": {"b": "c"}}


@pytest.mark.parametrize(
    "words",
    [
        ("--url", "ssh://x"),
        ("--remote",),
        ("--events-backend=journald",),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(words: tuple[str, ...]) -> None:
    name = words[0].partition("=")[0]
    with pytest.raises(NotSupported, match=f"^{name}: "):
        load.from_options(options(*words))  # type: ignore[arg-type]


def test_every_global_option_of_the_engine_is_a_setting() -> None:
    names = {option.name for option in ENGINE_OPTIONS}
    assert names - {"version", "storage-opt", "log-level"} <= set(load._OPTIONS)
    assert set(load._OPTIONS.values()) <= set(Settings.__fields__)


def test_defaults_of_flags(machine: Machine) -> None:
    conf = machine.etc / "containers/containers.conf"
    machine.write(conf, "[containers]\nread_only = true\ndevices = ['/dev/a']\npidns = 'host'\n")
    more = "[containers]\npidns = ''\ndevices = ['/dev/b', {append=true}]\n"
    machine.write(conf.with_name("containers.conf.d") / "1.conf", more)
    flags = machine.load().run_flags
    assert flags == {"read-only": True, "device": ("/dev/a", "/dev/b"), "pid": "host"}
    machine.write(conf, "[containers]\nread_only = 'yes'\n")
    with pytest.raises(SettingsError, match=r"containers\.read_only: expected true or false"):
        machine.load()
