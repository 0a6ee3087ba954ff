"""What the server logs, and how: level and filter change by a reload."""

from __future__ import annotations

import json
import logging
import re

from ..config.model import Config

_LEVELS = {"trace": "DEBUG", "warn": "WARNING", "fatal": "CRITICAL", "panic": "CRITICAL"}
_CHATTY = ("asyncio", "grpc")
"""Libraries that tell of themselves at every connection: only `trace` wants to know."""


class _Json(logging.Formatter):
    """A JSON object on a line, with logrus' keys."""

    def format(self, record: logging.LogRecord) -> str:
        found = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
        }
        if record.exc_info:
            found["error"] = self.formatException(record.exc_info)
        return json.dumps(found)


class _Fitting(logging.Filter):
    """Only messages that the expression of `log_filter` finds something in."""

    def __init__(self, expression: str) -> None:
        super().__init__()
        self._expression = re.compile(expression)

    def filter(self, record: logging.LogRecord) -> bool:
        return self._expression.search(record.getMessage()) is not None


def begin(config: Config, path: str, form: str) -> None:
    """Log to a file, or to standard error ("")."""
    handler = logging.FileHandler(path) if path else logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_Json() if form == "json" else text)
    logging.getLogger().addHandler(handler)
    change(config)


def change(config: Config) -> None:
    """Take over level and filter."""
    level = config.text("crio.runtime.log_level")
    root = logging.getLogger()
    root.setLevel(_LEVELS.get(level, level.upper()))
    for name in _CHATTY:
        logging.getLogger(name).setLevel("INFO" if level == "debug" else "NOTSET")
    expression = config.text("crio.runtime.log_filter")
    for handler in root.handlers:
        handler.filters = [_Fitting(expression)] if expression else []
