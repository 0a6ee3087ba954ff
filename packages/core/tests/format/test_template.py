"""Templates of `--format`: what Go's text/template makes of each (compared with podman 4.3.1)."""

from __future__ import annotations

import pytest

from rundlet.core.errors import InvalidArgument
from rundlet.core.format.output import rows
from rundlet.core.format.template import Template

ROW = {
    "Name": "c1",
    "Image": "localhost/bb:latest",
    "Labels": {"a": "b", "c": "d"},
    "Mounts": ["/x", "/y"],
    "Label": lambda key="": {"a": "b"}.get(key, ""),
    "Size": lambda: "3B",
}
GIVES = {
    "{{.Name}}": "c1",
    "{{.Size}} {{.Label `a`}}": "3B b",
    "{{- .Name -}}  x": "c1x",
    "a {{- /* nothing */ -}} y": "ay",
    "{{json .Labels}}": '{"a":"b","c":"d"}',
    "{{json .}}": '{"Name":"c1","Image":"localhost/bb:latest","Labels":{"a":"b","c":"d"},'
    '"Mounts":["/x","/y"]}',
    '{{join .Mounts ","}} {{len .Mounts}} {{index .Mounts 1}} {{slice .Name 0 1}}': "/x,/y 2 /y c",
    '{{title .Image}} {{upper .Name}} {{title "aBC d"}}': "Localhost/Bb:Latest C1 ABC D",
    "{{truncate .Image 5}} {{truncate .Name 9}} {{pad .Name 1 2}}|": "local c1  c1  |",
    '{{range $i, $e := split .Image "/"}}{{$i}}={{$e}};{{end}}': "0=localhost;1=bb:latest;",
    "{{range $k, $v := .Labels}}{{$k}}{{$v}}{{end}}": "abcd",
    '{{range split .Name ""}}{{if eq . "1"}}{{break}}{{end}}{{.}}{{end}}': "c",
    '{{range split .Name ""}}{{if eq . "c"}}{{continue}}{{end}}{{.}}{{end}}': "1",
    "{{range 3}}{{.}}{{else}}none{{end}}": "012",
    '{{with ""}}x{{else with .Name}}{{.}}{{end}}': "c1",
    "{{with $x := .Name}}{{$x}}{{end}}": "c1",
    '{{if eq .Name "x" "c1"}}A{{else if true}}B{{else}}C{{end}}': "A",
    "{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}": "2",
    "{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}": "1",
    '{{block "B" .Name}}<{{.}}>{{end}}{{template "B" 3}}': "<c1><3>",
    "{{or true .Bogus}} {{and .Name .Image}} {{not .Name}}": "true localhost/bb:latest false",
    '{{.Name | printf "%s-%s" "a" | len}}': "4",
    '{{html "<a>&"}} {{urlquery "a b&/"}} {{js "a\'b<"}}': r"&lt;a&gt;&amp; a+b%26%2F a\'b\u003C",
    '{{print 1 2 "x" "y" 3 4}}': "1 2xy3 4",
    "{{'c'}} {{1.5}} {{0x10}} {{1e3}} {{1_000}} {{1234567.5}}": "99 1.5 16 1000 1000 1.2345675e+06",
    '{{printf "%d %s %t %c %U %o %b" "a" 3 "x" 65 65 8 5}}': "%!d(string=a) %!s(int=3) "
    "%!t(string=x) A U+0041 10 101",
    '{{printf "%e %g %08.3f %+d %T %v" 1.5 1.5 3.14159 5 "s"}}': "1.500000e+00 1.5 0003.142 +5 "
    "string %!v(MISSING)",
    '{{printf "%5s|%-5s|%x|%q|%5.1f|%05d" "a" "b" "hi" .Mounts 3.14159 42}}': "    a|b    |6869|"
    '["/x" "/y"]|  3.1|00042',
    '{{printf "%d" 1 2}}': "1%!(EXTRA int=2)",
}
WRONG = {
    "{{.Bogus}}": "can't evaluate field Bogus",
    "{{.Name.Foo}}": "can't evaluate field Foo in type string",
    "{{nofunc .Name}}": 'function "nofunc" not defined',
    "{{.Name": "unclosed action",
    "{{}}": "missing value for command",
    "{{if}}": "missing value for if",
    "{{if true}}": "unexpected EOF",
    "{{end}}": "unexpected {{end}}",
    "{{else}}": "unexpected {{else}}",
    "{{break}}": "{{break}} outside {{range}}",
    "{{(.Name}}": "unclosed left paren",
    "{{$y}}": 'undefined variable "$y"',
    '{{eq 1 "a"}}': "incompatible types for comparison",
    "{{len 3}}": "len of type int",
    "{{split .Name}}": "wrong number of arguments",
    "{{truncate 5 .Name}}": "error calling truncate",
    '{{template "nope"}}': 'template "nope" not defined',
    '{{define "T"}}{{template "T"}}{{end}}{{template "T"}}': "uses itself without an end",
    "{{range .Name}}{{end}}": "range can't iterate over c1",
}


@pytest.mark.parametrize("text", GIVES)
def test_gives(text: str) -> None:
    assert Template(text).render(ROW) == GIVES[text]


@pytest.mark.parametrize("text", WRONG)
def test_wrong(text: str) -> None:
    with pytest.raises(InvalidArgument, match="template: ") as caught:
        Template(text).render(ROW)
    assert WRONG[text] in str(caught.value)


def test_headings_go_through_the_template() -> None:
    form = r"table {{upper .Name}}\t{{truncate .Image 3}}\t{{range .Mounts}}{{.}},{{end}}"
    assert rows([ROW], r"table {{truncate .Image 3}}\t{{.Name}}").startswith("IMA         NAME\n")
    assert rows([ROW], form) == "NAME        IMAGE       MOUNTS\nC1          loc         /x,/y,\n"


def test_a_space_begins_a_column_of_a_table() -> None:
    found = [{"Name": "a", "Image": "busybox"}, {"Name": "longer", "Image": "web"}]
    assert rows(found, "table {{.Name}} {{ .Image }}") == (
        "NAME        IMAGE\na           busybox\nlonger      web\n"
    )
    assert rows(found, "{{.Name}} {{.Image}}") == "a busybox\nlonger web\n"
