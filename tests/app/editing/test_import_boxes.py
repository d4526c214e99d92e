"""Imported ground truth in a document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iouviewer.app.editing.import_boxes import build_replace_edit, prepare_ground_truth, prepare_predictions
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.commands import set_flag
from iouviewer.document.edits import FrameState
from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, read_boxes
from tests.app.builders import imported_boxes, session_with

NO, YES = int(FrameState.UNLABELLED), int(FrameState.LABELLED)


def test_frames_that_the_file_names_and_those_with_boxes_are_labelled_as_far_as_the_video_goes() -> None:
    document = session_with({}, frames=5).document
    found = prepare_ground_truth(imported_boxes(Path("gt"), labelled=np.array([-2, 1, 99])), document, {}, 0)
    assert found.states.tolist() == [YES, YES, YES, NO, NO]
    assert found.default_state is FrameState.UNLABELLED
    every = prepare_ground_truth(imported_boxes(Path("gt")), document, {}, 0)
    assert every.states.tolist() == [YES] * 5
    assert every.default_state is FrameState.LABELLED


def test_boxes_past_the_end_are_refused() -> None:
    document = session_with({}, frames=5).document
    with pytest.raises(UserError, match="1 box lies outside the video, which has frames 0–4"):
        prepare_ground_truth(imported_boxes(Path("gt"), frames=(0, 5)), document, {}, 0)


def test_predictions_of_a_class_that_the_benchmark_does_not_score_are_left_out_until_a_box_of_it_counts(
    tmp_path: Path,
) -> None:
    gt, pred = tmp_path / "gt.txt", tmp_path / "pred.csv"
    (tmp_path / "seqinfo.ini").write_text(
        "[Sequence]\nname=MOT17-02\nseqLength=2\nimWidth=640\nimHeight=480\nframeRate=25\n"
    )
    gt.write_text("1,1,10,10,20,40,1,1,1\n1,2,100,10,40,40,0,3,1\n")  # a pedestrian, a car
    pred.write_text("frameID,x1,y1,x2,y2,class,score\n0,10,10,30,50,pedestrian,0.9\n0,300,10,340,50,car,0.9\n")
    session = session_with({}, frames=2)
    context = ReadContext(size=(640, 480), frame_count=2)
    truth = prepare_ground_truth(read_boxes(gt, context), session.document, {}, 0)
    session.execute(build_replace_edit(session.document, truth, 0), "Import gt.txt")
    read = read_boxes(pred, replace(context, kind=ImportKind.PREDICTIONS))
    variant = session.variants.add("p", prepare_predictions(read, session.document, {}, 0))
    assert session.variants[variant.key].predictions.left_out == {"car": 1}
    car = next(box for box in session.ground_truth.boxes(0) if box.flags & BoxFlag.NEUTRAL)
    command = set_flag(session.document, [car.id], BoxFlag.IGNORED, is_set=False)
    session.execute(command.edit, command.label)
    assert session.variants[variant.key].predictions.left_out == {}
    session.undo()
    assert session.variants[variant.key].predictions.left_out == {"car": 1}
