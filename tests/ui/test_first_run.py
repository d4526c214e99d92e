"""Where hints are placed, and what is known of the work on recent files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRect, QSize

from iouviewer.app.recent_work import WorkDone, remember_work, work_done
from iouviewer.app.settings import Settings
from iouviewer.ui.first_run import progress_text
from iouviewer.ui.first_steps import place_hint

AREA, HINT = QRect(50, 40, 900, 460), QSize(250, 70)
SPANS = st.tuples(st.integers(50, 900), st.integers(40, 480), st.integers(5, 120), st.integers(5, 120))
rects = SPANS.map(lambda span: QRect(*span))


@given(anchor=rects, taken=st.lists(rects, max_size=25))
def test_a_hint_covers_no_box_where_any_place_is_free(anchor: QRect, taken: list[QRect]) -> None:
    place = QRect(place_hint(anchor, HINT, AREA, taken), HINT)
    assert AREA.contains(place)
    covers = [rect for rect in (anchor, *taken) if place.intersects(rect)]
    if covers:
        grid = [(x, y) for x in range(50, 950 - 250, 12) for y in range(40, 500 - 70, 12)]
        assert not any(all(not QRect(x, y, 250, 70).intersects(rect) for rect in (anchor, *taken)) for x, y in grid), (
            "a free place was not used"
        )


def test_a_hint_is_as_near_as_it_can_be() -> None:
    anchor = QRect(400, 240, 7, 7)
    place = QRect(place_hint(anchor, HINT, AREA, []), HINT)
    gap = np.hypot(
        max(anchor.left() - place.right(), place.left() - anchor.right(), 0),
        max(anchor.top() - place.bottom(), place.top() - anchor.bottom(), 0),
    )
    assert 2 <= gap <= 30
    # A window that is too small still gets its hint.
    assert place_hint(anchor, QSize(2000, 900), AREA, []) == AREA.topLeft()


def test_work_on_recent_files_is_remembered_and_forgotten_with_them() -> None:
    settings = Settings()
    settings.recent = ["/a.mp4"]
    remember_work(settings, "/a.mp4", WorkDone(17, 100, 37, 212))
    assert work_done(settings, "/a.mp4") == WorkDone(17, 100, 37, 212)
    settings.recent = ["/b.mp4"]
    remember_work(settings, "/b.mp4", WorkDone(0, 5))
    assert work_done(settings, "/a.mp4") is None
    settings.extra["recentWork"] = '{"/b.mp4": [1, "x", 2, 3], "/c": 4}'
    assert work_done(settings, "/b.mp4") is None
    settings.extra["recentWork"] = "{"
    assert work_done(settings, "/b.mp4") is None


@pytest.mark.parametrize(
    ("work", "text"),
    [
        (None, ""),
        (WorkDone(0, 795, 0, 212), ""),
        (WorkDone(137, 795, 37, 212), "37 of 212 problems · 17 % verified"),
        (WorkDone(1, 795, 0, 0), "1 % verified"),
        (WorkDone(100, 100, 1, 1), "1 of 1 problem · verified"),
    ],
)
def test_progress_is_told_in_few_words(work: WorkDone | None, text: str) -> None:
    assert progress_text(work) == text
