"""`rundlet runtime benchmark`: how long each OCI runtime takes to start, and what it weighs."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb
from rundlet.core.errors import DriverUnavailable, RundletError

from .runtime_ls import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core.commands.context import Context, Parsed

    from ..benchmark import Sample

VERB = Verb(
    name="runtime benchmark",
    summary="Measure start latency and memory of OCI runtimes",
    usage="[options] [NAME...]",
    description="Starts, weighs and removes containers on each runtime that works here, or on those"
    " that are named, in turn, without network. START is the time until the command runs, REMOVE"
    " that of rm -f, MEMORY what all processes of one container take, monitor and runtime"
    " included; medians are shown. Without --image the containers see the programs of this"
    " machine, read-only.",
    run="rundlet.cli.verbs.runtime_benchmark:run",
    options=(
        Option("count", "n", kind="int", default="5", help="Containers for each runtime"),
        Option(
            "format", help="Pretty-print results to JSON or using a Go template", kind="template"
        ),
        Option("image", help="Run in this image", metavar="image", completes="images"),
    ),
    arguments=Arguments(),
    examples=("rundlet runtime benchmark", "rundlet runtime benchmark --count 20 crun runc"),
)

_TABLE = "table {{.Name}}\t{{.Start}}\t{{.Slowest}}\t{{.Remove}}\t{{.Memory}}\t{{.Version}}"


def run(context: Context, arguments: Parsed) -> int:
    """Print the table and the plot. Raises DriverUnavailable for a named one that does not work,
    and when nothing could be measured."""
    import tempfile

    from rundlet.core.errors import InvalidArgument
    from rundlet.core.format.output import rows

    count = arguments.number("count") or 0
    if count < 1:
        raise InvalidArgument(f"--count {count}: at least 1")
    with tempfile.TemporaryDirectory(prefix="rundlet-benchmark-") as directory:
        found = _measured(context, arguments, count, directory)
    if not found:
        raise DriverUnavailable("no OCI runtime could be measured")
    table = [_row(context, name, samples) for name, samples in found.items()]
    form = arguments.text("format")
    context.print(rows(table, form or _TABLE, heading=True), end="")
    if not form:
        _plot(context, table)
    return 0


def _measured(
    context: Context, arguments: Parsed, count: int, directory: str
) -> dict[str, list[Sample]]:
    """Samples by runtime. They take turns: what else this machine does is then shared by all."""
    from ..benchmark import sample
    from .runtime_try import request_for

    image = arguments.text("image")
    found: dict[str, list[Sample]] = {name: [] for name in _usable(context, arguments)}
    request = request_for(directory, image, ("sleep", "1000"))
    for turn in range(count + 1):
        for name in list(found):
            try:
                one = sample(context.engine, request.replace(runtime=name))
            except RundletError as error:
                context.warn(f"{name} is left out: {' '.join(error.message.split())}")
                del found[name]
                continue
            if turn > 0:  # the first one fills caches
                found[name].append(one)
    return found


def _usable(context: Context, arguments: Parsed) -> Iterator[str]:
    plugins = context.engine.plugins
    for name in arguments.arguments or names(plugins):
        try:
            probe = plugins.runtime(name).probe()
            if probe.works:
                yield name
                continue
            reason = probe.reason
        except RundletError as error:
            reason = error.message
        reason = f"OCI runtime {name} does not work here: {' '.join(reason.split())}"
        if arguments.arguments:
            raise DriverUnavailable(reason)
        context.warn(reason)


def _row(context: Context, name: str, samples: list[Sample]) -> dict[str, object]:
    from statistics import median

    from rundlet.core.format.units import binary_size

    start = median(one.start for one in samples)
    remove = median(one.remove for one in samples)
    memory = int(median(one.memory for one in samples))
    return {
        "Name": name,
        "Version": context.engine.plugins.runtime(name).version().splitlines()[0],
        "Count": len(samples),
        "Start": f"{start * 1000:.0f} ms",
        "Slowest": f"{max(one.start for one in samples) * 1000:.0f} ms",
        "Remove": f"{remove * 1000:.0f} ms",
        "Memory": binary_size(memory),
        "StartSeconds": start,
        "RemoveSeconds": remove,
        "MemoryBytes": memory,
    }


def _plot(context: Context, table: list[dict[str, object]]) -> None:
    from ..benchmark import bars

    for title, value, words in (
        ("start latency", "StartSeconds", "Start"),
        ("memory", "MemoryBytes", "Memory"),
    ):
        shown = {str(row["Name"]): (float(str(row[value])), str(row[words])) for row in table}
        context.print(f"\n{bars(title, shown)}")
