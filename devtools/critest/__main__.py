"""`nox -s conformance`: run critest; exit code 1 when a spec fails that should not."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from . import exceptions, kit


def main() -> int:
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    parser.add_argument("--default-runtime", default="", help="runtime handler of all pods")
    parser.add_argument("words", nargs="*", help="options of critest, as --ginkgo.focus=WORDS")
    options, more = parser.parse_known_args()
    for program in ("critest", "crictl"):
        if shutil.which(program) is None:
            print(f"Error: {program} is not on PATH (docs/cri.md)", file=sys.stderr)
            return 1
    scratch = Path(tempfile.mkdtemp(prefix="rundlet-conformance-", dir="/var/tmp"))
    scratch.chmod(0o711)  # root of a user namespace goes through
    chosen = options.default_runtime
    words = ("--default-runtime", chosen) if chosen else ()
    try:
        digest = kit.images(scratch / "images")
        (scratch / "node").mkdir()
        with kit.node(scratch / "images", scratch / "node", *words) as node:
            specs = kit.critest(node, digest, *options.words, *more)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return tell(specs)


def tell(specs: list[kit.Spec]) -> int:
    """Print what came out; 1 when there was a failure, or something left out for no good reason."""
    bad = False
    for spec in specs:
        if spec.state == "failed":
            print(f"FAILED {spec.name}\n    {spec.message}")
            bad = True
        elif spec.state == "skipped":
            why = exceptions.reason(spec.name)
            print(f"left out: {spec.name}: {why or 'NO REASON IS KNOWN'}")
            bad = bad or not why
    states = [spec.state for spec in specs]
    print(", ".join(f"{states.count(state)} {state}" for state in ("passed", "skipped", "failed")))
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
