"""Inspector: arithmetic of its fields, rectangles, and what a drag updates."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.edit_scopes import CLASS, FLAGS, EditScopes
from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Rect
from iouviewer.document.edits import SetRects
from iouviewer.document.track_commands import Scope
from iouviewer.ui.panels.box_form import coordinates_of, with_coordinate
from iouviewer.ui.panels.inspector import Inspector
from iouviewer.ui.panels.inspector_fields import parse_change
from tests.app.builders import session_with
from tests.ui.helpers import canvas_for

A: Rect = (100.0, 100.0, 200.0, 200.0)
B: Rect = (300.0, 100.0, 400.0, 200.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5.0),
        (" 12.5 ", 12.5),
        ("12,5", 12.5),
        ("-5", -5.0),
        ("+5", 15.0),
        ("+=5", 15.0),
        ("-=5", 5.0),
        ("*1.5", 15.0),
        ("* 2", 20.0),
        ("/4", 2.5),
        ("−3", -3.0),
        ("/0", None),
        ("", None),
        ("wide", None),
        ("+", None),
        ("5+5", None),
    ],
)
def test_a_text_changes_a_number(text: str, expected: float | None) -> None:
    change = parse_change(text)
    assert (None if change is None else change(10.0)) == expected


COORDINATE = st.floats(-1e3, 1e3)
SIDE = st.floats(1.0, 1e3)


@given(COORDINATE, COORDINATE, SIDE, SIDE, st.sampled_from("xywh"), st.floats(1.0, 500.0))
def test_one_coordinate_changes_and_the_others_stay(
    x: float, y: float, w: float, h: float, name: str, value: float
) -> None:
    before = dict(zip("xywh", coordinates_of([(x, y, x + w, y + h)]), strict=True))
    after = dict(
        zip("xywh", coordinates_of([with_coordinate((x, y, x + w, y + h), name, lambda _old: value)]), strict=True)
    )
    for each in "xywh":
        expected = value if each == name else before[each]
        assert expected is not None and after[each] is not None
        assert math.isclose(after[each], expected, abs_tol=1e-9)


def test_coordinates_that_differ_are_none() -> None:
    assert coordinates_of([A, B]) == (None, 100.0, 100.0, 100.0)


def test_scopes_are_restored_from_settings_and_unknown_values_are_ignored() -> None:
    scopes = EditScopes()
    assert (scopes[CLASS], scopes[FLAGS]) == (Scope.TRACK, Scope.FROM_HERE)
    scopes.restore({"classScope": "frame", "flagScope": "everything", "other": 3})
    assert (scopes[CLASS], scopes[FLAGS]) == (Scope.FRAME, Scope.FROM_HERE)
    restored = EditScopes()
    restored.restore(scopes.to_settings())
    assert restored.to_settings() == scopes.to_settings()


class _LayoutRequests(QObject):
    """Names of the widgets that are asked to lay out their content again."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        has_layout = isinstance(watched, QWidget) and watched.layout() is not None
        if event.type() == QEvent.Type.LayoutRequest and has_layout:
            self.names.append(f"{type(watched).__name__} {watched.objectName()}")
        return False


@pytest.fixture
def session() -> Session:
    return session_with({0: [A, B]}, {"base": {0: [A, B]}}, tracks=True)


def test_a_drag_changes_the_numbers_and_lays_nothing_out(session: Session, qtbot: QtBot) -> None:
    canvas = canvas_for(session)
    inspector = Inspector(session, canvas.commands)
    qtbot.addWidget(canvas)
    qtbot.addWidget(inspector)
    inspector.resize(304, 238)
    inspector.show()
    session.select([1])
    qtbot.wait(50)
    iou, delta = (inspector.findChild(QLabel, name) for name in ("inspectorIoU", "inspectorDelta"))
    width = inspector.findChild(QLineEdit, "inspector.w")
    assert (iou.text(), delta.text(), width.text()) == ("1.000", "", "100.0")
    requests = _LayoutRequests()
    for widget in inspector.findChildren(QObject):
        widget.installEventFilter(requests)
    for by in (10.0, 20.0, 45.0):
        session.preview(SetRects(((1, (100.0, 100.0, 200.0 + by, 200.0)),)))
        qtbot.wait(45)
    assert (iou.text(), delta.text(), width.text()) == ("0.690", "−0.310", "145.0")
    assert "0.190 above" in inspector.match.text.text()
    assert requests.names == []
    session.cancel_preview()
    assert (iou.text(), delta.text(), width.text()) == ("1.000", "", "100.0")


def test_the_tooltips_say_beforehand_which_boxes_change(qtbot: QtBot) -> None:
    session = session_with({0: [A], 1: [A], 2: [A]}, tracks=True)
    canvas = canvas_for(session, frame=1)
    qtbot.addWidget(canvas)
    inspector = Inspector(session, canvas.commands)
    qtbot.addWidget(inspector)
    session.select([2])
    tips = {
        scope: inspector.findChild(QObject, f"inspector.scope.{scope.value}").toolTip()  # type: ignore[attr-defined]
        for scope in Scope
    }
    assert tips == {
        Scope.FRAME: "Changes the box on frame 1",
        Scope.FROM_HERE: "Changes 2 boxes, frames 1–2",
        Scope.TRACK: "Changes 3 boxes, frames 0–2",
    }


def test_a_step_with_a_selected_track_fills_the_inspector_once(qtbot: QtBot) -> None:
    session = session_with({0: [A], 1: [B], 2: [A]}, tracks=True)
    canvas = canvas_for(session)
    inspector = Inspector(session, canvas.commands)
    qtbot.addWidget(canvas)
    qtbot.addWidget(inspector)
    session.select([session.ground_truth.boxes(0)[0].id])
    for frame in (1, 2):
        before = inspector.refreshes
        session.go_to(frame)
        assert inspector.refreshes == before + 1
    session.select()
    before = inspector.refreshes
    session.go_to(0)
    assert inspector.refreshes == before + 1
