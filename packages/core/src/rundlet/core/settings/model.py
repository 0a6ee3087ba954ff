"""`rundlet.toml` and RUNDLET_ variables, validated by pydantic-settings.

Only imported when a file or variable has changed since the last snapshot (settings.load).
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, create_model
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from ..errors import SettingsError
from .snapshot import Settings
from .toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic.fields import FieldInfo


class RuntimeTable(BaseModel):
    """`[runtimes.NAME]`: what all runtimes have (contracts.runtime.RuntimeConfig).

    Other keys are the driver's own.
    """

    model_config = ConfigDict(extra="allow")

    kind: str = ""
    path: str = ""
    args: list[str] = []
    root: str = ""
    privileged_without_host_devices: bool = False
    allowed_annotations: list[str] | None = None
    default_annotations: dict[str, str] = {}


_TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "int | None": int | None,
    "tuple[str, ...]": tuple[str, ...],
    "tuple[str, ...] | None": tuple[str, ...] | None,
    "Mapping[str, str]": dict[str, str],
    "Mapping[str, Any]": dict[str, Any],
    "Mapping[str, Mapping[str, Any]]": dict[str, dict[str, Any]],
}


_CHOICES = {
    "cgroup_manager": ("", "cgroupfs", "systemd"),
    "interface_name": ("", "device"),
    "events_backend": ("sqlite", "file", "journald", "none"),
    "short_name_mode": ("", "enforcing", "permissive", "disabled"),
    "image_default_format": ("", "oci", "v2s1", "v2s2"),
    "compression_format": ("", "gzip", "zstd", "zstd:chunked"),
    "pull_policy": ("always", "missing", "ifnotpresent", "never", "newer"),
}


class _Variables(EnvSettingsSource):
    """RUNDLET_ variables of a given environment; lists may be written `a,b` too."""

    def __init__(self, settings: type[BaseSettings], environment: Mapping[str, str]) -> None:
        self._environment = environment
        super().__init__(settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        found = self._environment.items()
        return {name.lower(): value for name, value in found if name.startswith("RUNDLET_")}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        if value[:1] in ("[", "{") or "tuple" not in str(field.annotation):
            return super().decode_complex_value(field_name, field, value)
        return [item for item in value.split(",") if item]


def _fields() -> dict[str, Any]:
    """One optional field per setting of the snapshot, so that they are listed once."""
    types = {name: _TYPES[str(text)] for name, text in Settings.__annotations__.items()}
    types["runtimes"] = dict[str, RuntimeTable]
    types["default_host_ips"] = tuple[Annotated[str, AfterValidator(_address)], ...]
    return {name: (type_ | None, None) for name, type_ in types.items()}


def _address(text: str) -> str:
    ip_address(text)  # says what is wrong
    return text


def from_files(files: Sequence[str]) -> dict[str, Any]:
    """The settings in these rundlet.toml files, each checked, later ones over earlier.

    Raises SettingsError naming file and key.
    """
    values: dict[str, Any] = {}
    for file in files:
        table = read_toml(file)
        check(table, file)
        values = _merged(values, table)
    return check(values, "rundlet.toml")


def check(
    table: Mapping[str, Any], where: str, names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The settings in a table, with their types. names: what the keys are called there.

    Raises SettingsError naming the file and the key.
    """
    model = create_model("RundletToml", __config__=ConfigDict(extra="forbid"), **_fields())
    return _validated(lambda: model(**table), where, names or {})


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings in RUNDLET_ variables. Raises SettingsError naming the variable."""

    class Base(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="RUNDLET_", extra="ignore")

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[Any, ...]:
            return (_Variables(settings_cls, environment),)

    fields = _fields()
    model = create_model("RundletVariables", __base__=Base, **fields)
    names = {name: f"RUNDLET_{name.upper()}" for name in fields}
    return _validated(model, "the environment", names)


def _validated(
    make: Callable[[], BaseModel], where: str, names: Mapping[str, str]
) -> dict[str, Any]:
    try:
        found = make().model_dump(exclude_unset=True)
    except ValidationError as error:
        first = error.errors()[0]
        name, *rest = (str(part) for part in first["loc"])
        key = ".".join((names.get(name, name), *rest))
        # pydantic's words, but for the type: files of settings have lists.
        what = first["msg"].replace("tuple", "list")
        what = "no such setting" if first["type"] == "extra_forbidden" else what
        raise SettingsError(f"{where}: {key}: {what}") from None
    values = {key: value for key, value in found.items() if value is not None}
    for name, choices in _CHOICES.items():
        if name in values and values[name] not in choices:
            raise SettingsError(
                f"{where}: {names.get(name, name)}: {values[name]!r} is not one of"
                f" {', '.join(choice for choice in choices if choice)}"
            )
    return values


def _merged(before: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged, everything else is replaced (containers.conf's rule for drop-ins)."""
    result = dict(before)
    for key, value in table.items():
        old = result.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            value = _merged(old, value)
        result[key] = value
    return result
