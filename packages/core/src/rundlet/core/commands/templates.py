"""Shell completion inside a Go template: `table {{.ID}} {{json .Na` goes on with `.Names}}`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Candidate = tuple[str, str]


def candidates(offered: Sequence[str], word: str) -> list[Candidate]:
    """The whole texts that a word goes on to.

    offered: plain words ("json", "table") and fields ("{{.ID}}", "{{.State.Pid}}"). What lies below
    a field is offered once its name and the point have been typed; "{{.State." is not closed.
    """
    begin = word.rfind("{{")
    inside = begin > word.rfind("}}")
    if inside:
        start = max(word.rfind(mark) for mark in (" ", "\t", "(", "{")) + 1
    elif not word or word[-1].isspace() or word.endswith("\\t"):
        start = len(word)
    else:
        return [(text, "") for text in offered if text.startswith(word)]
    before, typed = word[:start], word[start:]
    opening = "" if inside else "{{"
    found = [f"{before}{text}" for text in offered if not word and not text.startswith("{{")]
    for field in (text[2:-2] for text in offered if text.startswith("{{")):
        if field.startswith(typed):
            point = field.find(".", max(len(typed), 1))
            found.append(
                f"{before}{opening}{field}}}}}"
                if point < 0
                else f"{before}{opening}{field[: point + 1]}"
            )
    return [(text, "") for text in dict.fromkeys(found)]
