"""What `ps` lists: fields of templates, and filters."""

from __future__ import annotations

from pathlib import Path

from devtools.tool import Rundlet


def test_fields_and_filters_of_ps(loaded: Rundlet, tmp_path: Path) -> None:
    words = ("create", "--network=none", "--name")
    flags = ("-l", "a=b", "--annotation", "x=y", "--expose", "80-81", "--restart=always")
    loaded(*words, "one", *flags, "--cidfile", str(tmp_path / "cid"), "busybox")
    loaded(*words, "two", "--restart=unless-stopped", "busybox")
    loaded(*words, "three", "busybox")
    form = '{{.Label "a"}} {{.CIDFile}} {{.ExposedPorts}}'
    seen = loaded("ps", "-a", "--filter", "name=one", "--format", form).stdout
    assert seen == f"b {tmp_path}/cid map[80:[tcp] 81:[tcp]]\n"

    def names(*filters: str) -> list[str]:
        words = [word for text in filters for word in ("--filter", text)]
        return loaded("ps", "-a", "--format", "{{.Names}}", *words).stdout.split()

    assert names("annotation=x=y") == ["one"]
    assert names("annotation!=x") == ["two", "three"]
    assert names("should-start-on-boot=true") == ["one", "two"]
    loaded("stop", "two")
    assert names("should-start-on-boot=true") == ["one"]
    assert names("should-start-on-boot=false") == ["two", "three"]
