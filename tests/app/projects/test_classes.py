"""The window gives the numbers of ``eval`` in any order of import, after edits and undo, and for a changed map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import Autosave
from iouviewer.app.projects.importer import Importer
from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes, RemoveBoxes, SetClasses
from iouviewer.document.scores import ScoreSettings
from iouviewer.document.sources import Source
from iouviewer.formats.registry import ReadContext, read_boxes
from iouviewer.jobs.document_results import evaluate_document
from iouviewer.jobs.eval_inputs import ReadOptions
from iouviewer.jobs.evaluate import EvalRequest, evaluate
from iouviewer.metrics.review import ReviewSettings

pytestmark = pytest.mark.usefixtures("qapp")

COUNT = 5
HEADER = "frameID,x1,y1,x2,y2,class"
PARTLY = ["0,10,10,50,50,person", "1,10,10,50,50,person", "2,10,10,50,50,", "3,10,10,50,50,person"]
WHOLE = [row + "person" if row.endswith(",") else row for row in PARTLY]
NAMELESS = [row.rsplit(",", 1)[0] + "," for row in PARTLY]
OTHER_NAMES = [row.replace("person", "pedestrian") for row in WHOLE]
PREDICTED = [
    "0,12,10,52,50,person,0.9",
    "1,12,10,52,50,Person,0.8",
    "2,12,10,52,50,dog,0.95",
    "3,60,60,90,90,dog,0.99",
    "4,60,60,90,90,,0.5",
]
METRICS = ("avg_iou", "pq", "tp", "fp", "fn", "precision", "recall", "ap", "ap50", "ap75", "ar100")


def written(folder: Path, truth: list[str], predicted: list[str]) -> tuple[Path, Path]:
    gt, pred = folder / "gt.csv", folder / "p.csv"
    gt.write_text("\n".join([HEADER, *truth]) + "\n")
    pred.write_text("\n".join([f"{HEADER},score", *predicted]) + "\n")
    return gt, pred


def window_with(gt: Path, pred: Path, *, truth_first: bool, class_map=None) -> Session:
    session = Session()
    session.document.add_source(Source(0, "clip", "", 100, 100, COUNT))
    session.open_document(session.document)
    importer = Importer(session, Autosave(session))
    context = ReadContext(size=(100, 100), frame_count=COUNT)
    steps = [
        lambda: importer.import_ground_truth(read_boxes(gt, context)),
        lambda: importer.add_predictions("p", read_boxes(pred, context), class_map),
    ]
    for step in steps if truth_first else reversed(steps):
        step()
    return session


def numbers_of_window(session: Session) -> dict[str, object]:
    summary = session.scores.summary(next(iter(session.variants)).key)
    return {name: getattr(summary, name) for name in METRICS}


def numbers_of_document(session: Session, **request) -> dict[str, object]:
    result = evaluate_document(session.document, session.variants, request=EvalRequest(None, None, **request))
    return {name: result.values["variants"]["p"][name] for name in METRICS}


def numbers_of_files(gt: Path, pred: Path, *, read=None, **request) -> dict[str, object]:
    read = read or ReadOptions(size=(100, 100), frame_count=COUNT)
    values = evaluate(EvalRequest(None, gt, (("p", pred),), read=read, **request)).values
    return {name: values["variants"]["p"][name] for name in METRICS}


@pytest.mark.parametrize("truth", [PARTLY, WHOLE, NAMELESS, PARTLY[:2]])
@pytest.mark.parametrize("agnostic", [False, True])
def test_files_window_in_both_orders_and_python_give_the_same_numbers(tmp_path: Path, truth, agnostic):
    gt, pred = written(tmp_path, truth, PREDICTED)
    expected = numbers_of_files(gt, pred, class_agnostic=agnostic)
    for truth_first in (True, False):
        session = window_with(gt, pred, truth_first=truth_first)
        session.set_score_settings(ScoreSettings(ReviewSettings(class_agnostic=agnostic)))
        assert numbers_of_window(session) == expected
        assert numbers_of_document(session, class_agnostic=agnostic) == expected
        assert session.document.class_names == ("person",) * (truth is not NAMELESS)


def test_unknown_classes_come_and_go_with_the_box_that_may_be_theirs(tmp_path: Path):
    gt, pred = written(tmp_path, WHOLE, PREDICTED)
    session = window_with(gt, pred, truth_first=True)
    before = numbers_of_window(session)
    assert len(next(iter(session.variants)).predictions.table) == 3
    for edit in (AddBoxes((Box(99, 4, (60.0, 60.0, 90.0, 90.0)),)), SetClasses(((3, -1),))):
        session.execute(edit, "Edit")
        assert len(next(iter(session.variants)).predictions.table) == 5
        assert numbers_of_window(session) == numbers_of_document(session) != before
        session.go_to(session.history.undo_step().frame)
        session.undo()
        assert numbers_of_window(session) == before
    session.execute(RemoveBoxes((1,)), "Edit")
    assert numbers_of_window(session) == numbers_of_document(session)


def test_a_class_map_changes_the_numbers_without_reading_again(tmp_path: Path):
    gt, pred = written(tmp_path, OTHER_NAMES, PREDICTED[:4])
    session = window_with(gt, pred, truth_first=False)
    variant = next(iter(session.variants))
    assert variant.predictions.class_proposals == {"person": "pedestrian", "Person": "pedestrian"}
    assert len(variant.predictions.table) == 0 and len(variant.predictions.stored_table) == 4
    pred.unlink()
    session.variants.set_class_map(variant.key, {"person": "pedestrian", "Person": "pedestrian"})
    gt_only, again = written(tmp_path, WHOLE, PREDICTED[:4])
    expected = numbers_of_files(gt_only, again)
    assert numbers_of_window(session) == expected
    assert np.isclose(expected["precision"], 1.0)
    read = ReadOptions(size=(100, 100), frame_count=COUNT, class_map={"Person": "pedestrian", "person": "pedestrian"})
    other = written(tmp_path, OTHER_NAMES, PREDICTED[:4])
    assert numbers_of_files(*other, read=read) == expected


def test_only_classes_scores_nothing_else(tmp_path: Path):
    truth = [*WHOLE, "0,60,60,90,90,car"]
    predicted = [*PREDICTED[:4], "0,60,60,90,90,car,0.7", "4,60,60,90,90,car,0.9"]
    read = ReadOptions(size=(100, 100), frame_count=COUNT, only_classes=("PERSON",))
    found = numbers_of_files(*written(tmp_path, truth, predicted), read=read)
    assert found == numbers_of_files(*written(tmp_path, WHOLE, PREDICTED[:4]))
