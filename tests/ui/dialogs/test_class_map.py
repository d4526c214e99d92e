"""Classes are proposed, shown and chosen by mouse: in the Open dialog, in the run dialog and for a variant."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from iouviewer.app.jobs.model_probe import Probe
from iouviewer.document.class_join import LEFT_OUT, join_classes
from iouviewer.document.classes import ClassTable
from iouviewer.formats.interface import ReadContext
from iouviewer.ui.dialogs.class_map import ClassMapDialog, class_map_text
from iouviewer.ui.dialogs.open_dialog import OpenDialog
from iouviewer.ui.dialogs.run_dialog import RunDialog
from iouviewer.ui.importing import BoxReader, find_candidates
from tests.inference.helpers import INFO

PREDICTED = ClassTable.of(("person", "dog", "car"))
TRUTH = ClassTable.of(("pedestrian", "car"))
COUNTS = {0: 5, 1: 2, 2: 1}


def test_proposals_are_chosen_and_only_differences_are_kept(qtbot: QtBot) -> None:
    dialog = ClassMapDialog(None, "p", PREDICTED, COUNTS, TRUTH, {})
    qtbot.addWidget(dialog)
    assert [choice.currentText() for choice in dialog.choices.values()] == [
        "pedestrian (proposed)",
        "None (left out)",
        "car",
    ]
    assert dialog.class_map() == {"person": "pedestrian"}
    dialog.choices[2].setCurrentIndex(0)
    dialog.choices[1].setCurrentIndex(dialog.choices[1].findText("car"))
    found = dialog.class_map()
    assert found == {"person": "pedestrian", "dog": "car", "car": LEFT_OUT}
    assert join_classes(PREDICTED, TRUTH, found).targets == (0, 1, -2)
    again = ClassMapDialog(None, "p", PREDICTED, COUNTS, TRUTH, found)
    qtbot.addWidget(again)
    assert again.class_map() == found
    declined = ClassMapDialog(None, "p", PREDICTED, COUNTS, TRUTH, {"person": LEFT_OUT})
    qtbot.addWidget(declined)
    assert declined.choices[0].currentText() == "None (left out)"


@pytest.mark.parametrize(
    ("class_map", "text"),
    [({}, "person → pedestrian?"), ({"person": "pedestrian"}, "2 of 3 classes")],
)
def test_the_button_tells_the_state(class_map: dict[str, str], text: str) -> None:
    assert class_map_text(join_classes(PREDICTED, TRUTH, class_map), PREDICTED, COUNTS, TRUTH) == text


def test_the_open_dialog_asks_for_classes_that_may_be_others(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "gt.csv").write_text("frameID,x1,y1,x2,y2,class\n0,1,1,9,9,pedestrian\n")
    (tmp_path / "p.csv").write_text("frameID,x1,y1,x2,y2,class,score\n0,1,1,9,9,person,0.5\n")
    reader = BoxReader()
    candidates = find_candidates([tmp_path / "gt.csv", tmp_path / "p.csv"])
    dialog = OpenDialog(None, candidates, reader, ReadContext((100, 100), 3, "clip"))
    qtbot.addWidget(dialog)
    try:
        qtbot.waitUntil(lambda: not dialog.is_reading, timeout=10_000)
        row = next(row for row in dialog.rows if row.name.text() == "p")
        assert dialog.needs_review()
        assert row.classes.text() == "person → pedestrian?"

        def accept() -> None:
            asked = QApplication.activeModalWidget()
            assert isinstance(asked, ClassMapDialog)
            asked.accept()

        QTimer.singleShot(0, accept)
        row.classes.click()
        assert row.classes.text() == "person → pedestrian"
        assert not dialog.needs_review()
        assert [item.class_map for item in dialog.items() if item.name == "p"] == [{"person": "pedestrian"}]
    finally:
        reader.close()


def test_the_run_dialog_proposes_classes_and_waits_for_the_user(qtbot: QtBot) -> None:
    dialog = RunDialog(None, [("m", Path("m.pt"))], video=Path("v.mp4"), frame_count=3, truth=TRUTH)
    qtbot.addWidget(dialog)
    row = dialog.rows[0]
    assert row.classes.isHidden()
    row.probe = Probe(model=msgspec.structs.replace(INFO, names=["person", "car", "dog"]), class_counts={0: 4, 1: 1})
    row.update()
    assert row.classes.text() == "person → pedestrian?"
    assert row.proposals() == {"person": "pedestrian"}
    assert dialog.runs()[0][1] == {}

    def accept() -> None:
        asked = QApplication.activeModalWidget()
        assert isinstance(asked, ClassMapDialog)
        asked.accept()

    QTimer.singleShot(0, accept)
    row.classes.click()
    assert dialog.runs()[0][1] == {"person": "pedestrian"}
    assert row.classes.text() == "2 classes" and row.proposals() == {}
