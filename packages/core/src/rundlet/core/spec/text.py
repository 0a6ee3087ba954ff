"""Text for a container's configuration, which is JSON: Unicode only (RFC 8259, section 8.1).

crun refuses raw bytes in config.json, runc replaces them, and both take the escape of a lone
surrogate for other bytes: none would arrive as it was typed.
"""

from __future__ import annotations

import os

from .. import json
from ..errors import InvalidArgument


def document(value: object) -> str:
    """JSON of what a user typed. Raises InvalidArgument for bytes that are not UTF-8."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        word = text[text.rindex('"', 0, error.start) + 1 : text.index('"', error.end)]
        raise InvalidArgument(
            f"not UTF-8: {os.fsencode(word)!r}",
            remedy="A container's configuration is JSON, which holds no other bytes:"
            " give them in a file.",
        ) from None
    return text
