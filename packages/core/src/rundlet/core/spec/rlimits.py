"""Resource limits of the process: `--ulimit`, never above what the kernel lets us set."""

from __future__ import annotations

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .host import Host
    from .plan import SpecPlan

_UNLIMITED = (1 << 64) - 1
# getrlimit(2)
_LIMITS = """
AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NICE NOFILE NPROC RSS RTPRIO RTTIME SIGPENDING STACK
"""
NAMES = frozenset(_LIMITS.split())


def rlimits(plan: SpecPlan, warnings: list[str]) -> list[dict[str, object]]:
    """The `process.rlimits` list: settings, then `--ulimit`, then podman's NOFILE and NPROC.

    Lowering needs no right; raising a hard limit needs CAP_SYS_RESOURCE: without it a
    limit asked for is lowered to ours with a warning, and a default silently.
    """
    host = plan.host
    asked: dict[str, tuple[int, int]] = {}
    for text in (*plan.settings.default_ulimits, *plan.request.ulimits):
        if text == "host":
            asked.update({name: _unsigned(pair) for name, pair in host.rlimits.items()})
            continue
        name, soft, hard = parse(text)
        asked[name] = (soft, hard)
    granted = {name: _granted(host, name, pair, warnings) for name, pair in asked.items()}
    for name, most in (("NOFILE", host.open_files_max), ("NPROC", host.pid_max)):
        if name not in granted:
            granted[name] = _granted(host, name, (most, most), None)
    return [
        {"type": f"RLIMIT_{name}", "hard": hard, "soft": soft}
        for name, (soft, hard) in sorted(granted.items())
    ]


def parse(text: str) -> tuple[str, int, int]:
    """ "nofile=1024:2048" -> ("NOFILE", 1024, 2048); -1 and "unlimited" are the largest number."""
    name, equals, values = text.partition("=")
    key = name.strip().upper().removeprefix("RLIMIT_")
    if not equals or key not in NAMES:
        raise InvalidArgument(
            f"invalid ulimit {text!r}", remedy="use name=soft[:hard], names as in getrlimit(2)"
        )
    soft_text, _, hard_text = values.partition(":")
    soft = _value(soft_text, text)
    hard = _value(hard_text, text) if hard_text else soft
    if soft > hard:
        raise InvalidArgument(f"ulimit {text!r}: soft limit is higher than the hard limit")
    return key, soft, hard


def _value(text: str, whole: str) -> int:
    if text in ("-1", "unlimited"):
        return _UNLIMITED
    if not text.isdecimal():
        raise InvalidArgument(f"invalid ulimit {whole!r}: {text!r} is no number")
    return min(int(text), _UNLIMITED)


def _unsigned(pair: tuple[int, int]) -> tuple[int, int]:
    soft, hard = (_UNLIMITED if value < 0 else value for value in pair)
    return soft, hard


def _granted(
    host: Host, name: str, pair: tuple[int, int], warnings: list[str] | None
) -> tuple[int, int]:
    most = _UNLIMITED
    if name == "NOFILE":
        most = host.open_files_max  # the kernel refuses more, even to root (fs.nr_open)
    if not host.can("CAP_SYS_RESOURCE") and name in host.rlimits:
        most = min(most, _unsigned(host.rlimits[name])[1])
    soft, hard = min(pair[0], most), min(pair[1], most)
    if (soft, hard) != pair and warnings is not None:
        warnings.append(
            f"ulimit {name.lower()}={_show(pair[0])}:{_show(pair[1])} lowered to {soft}:{hard}: "
            "no right to raise the hard limit here"
        )
    return soft, hard


def _show(value: int) -> str:
    return "unlimited" if value == _UNLIMITED else str(value)


def oom_score_adj(plan: SpecPlan, warnings: list[str]) -> int | None:
    """`process.oomScoreAdj`; lowering it below ours needs CAP_SYS_RESOURCE (proc(5))."""
    asked = plan.request.oom_score_adj
    if asked is None:
        return None
    if not -1000 <= asked <= 1000:
        raise InvalidArgument(f"--oom-score-adj {asked}: must be between -1000 and 1000")
    ours = plan.host.oom_score_adj
    if asked < ours and not plan.host.can("CAP_SYS_RESOURCE"):
        warnings.append(f"oom-score-adj {asked} raised to {ours}: no right to lower it here")
        return ours
    return asked
