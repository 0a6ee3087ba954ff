"""The admission plugin keeps the contract of hooks, and judges by age."""

from __future__ import annotations

import time
from types import ModuleType

import pytest
import rundlet_admission

from rundlet.core.testing.hooks import HooksContract
from rundlet.core.views import ImageView

DAY = 24 * 3600


class TestAdmission(HooksContract):
    @pytest.fixture
    def plugin(self) -> ModuleType:
        return rundlet_admission


def judged(days: float, action: str = "run", **fields: object) -> str | None:
    image = ImageView("app", created=time.time() - days * DAY, **fields)
    return rundlet_admission.rundlet_admit_image(image, action)


def test_by_age(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(1) is None
    assert judged(200) == "it is 200 days old, 180 are allowed"
    assert judged(200, action="pull") is None
    monkeypatch.setenv(rundlet_admission.VARIABLE, "365")
    assert judged(200) is None


def test_what_has_no_date_is_refused() -> None:
    said = rundlet_admission.rundlet_admit_image(ImageView("app"), "run")
    assert said == "it does not say when it was made"


def test_exempt() -> None:
    assert judged(200, labels={rundlet_admission.EXEMPT: "yes"}) is None


def test_a_limit_that_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(rundlet_admission.VARIABLE, "soon")
    with pytest.raises(ValueError, match="soon"):
        judged(1)
