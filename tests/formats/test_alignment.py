"""Hypotheses about frame numbers and frame size, tested by IoU against the ground truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.alignment import find_alignment
from iouviewer.formats.interface import ReadContext
from iouviewer.formats.registry import read_boxes
from iouviewer.jobs.eval_inputs import ReadOptions
from iouviewer.jobs.evaluate import EvalRequest, evaluate

COUNT = 120
CONTEXT = ReadContext(size=(640, 480), frame_count=COUNT, fps=30.0)


def moving(count=COUNT, speed=20.0):
    """One box per frame that changes direction, so that no shift fits by chance."""
    frames = np.arange(count)
    x = 200 + 150 * np.sin(frames * speed / 150) + 0.5 * frames
    y = 100 + 80 * np.cos(frames * speed / 210)
    return frames, np.stack([x, y, x + 24, y + 30])


def predictions(frames, boxes, **more):
    count = len(frames)
    return ImportedBoxes(
        path=None,
        format="boxcsv",
        kind=ImportKind.PREDICTIONS,
        frames=np.asarray(frames, np.int64),
        boxes=np.asarray(boxes, float),
        class_ids=np.full(count, -1, np.int64),
        class_names=(),
        scores=np.full(count, 0.9),
        track_ids=np.full(count, -1, np.int64),
        flags=np.zeros(count, np.int64),
        **more,
    )


def align(frames, boxes, context=CONTEXT, **more):
    return find_alignment(*moving(), predictions(frames, boxes, **more), context)


@pytest.mark.parametrize("shift", [-4, -1, 1, 3])
def test_a_shift_is_found_with_both_figures(shift):
    frames, boxes = moving()
    found = align(frames - shift, boxes)
    assert found.choice.changes == {"shift": shift}
    assert found.choice.option == f"--shift {shift}"
    assert found.mean == pytest.approx(1.0)
    assert found.mean_as_is < 0.8
    assert found.text.startswith(f"shift {'−' if shift < 0 else '+'}{abs(shift)}: mean IoU 1.00, as it is: 0.")


@pytest.mark.parametrize("step", [2, 3, 7])
def test_a_frame_step_is_found(step):
    frames, boxes = moving()
    kept = frames[::step]
    assert align(np.arange(len(kept)), boxes[:, kept]).choice.changes == {"stride": step}
    # ultralytics: file n, from 1, is frame n × step − 1.
    kept = frames[step - 1 :: step]
    found = align(np.arange(len(kept)), boxes[:, kept], stride_applied=True)
    assert found.choice.changes == {"stride": step}


def test_another_frame_rate_is_found_as_linear_drift():
    frames, boxes = moving()
    times = np.arange(100) * 30 / 25
    drifted = np.stack([np.interp(times, frames, edge) for edge in boxes])
    found = align(np.arange(100), drifted)
    assert found.choice.changes == {"file_fps": 25.0}
    assert found.is_clear


def test_another_frame_size_is_found():
    frames, boxes = moving()
    assert align(frames, boxes / 2).choice.changes == {"file_size": (320, 240)}
    assert align(frames, boxes * 2).choice.changes == {"file_size": (1280, 960)}


@pytest.mark.parametrize("noise", [0.0, 2.0, 4.0])
def test_predictions_that_fit_as_they_are_are_not_questioned(noise):
    frames, boxes = moving()
    random = np.random.default_rng(3)
    assert align(frames, boxes + random.normal(0, noise, boxes.shape) * [[1], [1], [0], [0]]) is None
    assert align(frames[:5], boxes[:, :5] + 40) is None
    # Even motion that a step would fit, if it did not put half of the frames after the end of the video.
    even = np.stack([3.0 * frames, frames * 0.0, 3.0 * frames + 60, frames * 0.0 + 40])
    behind = predictions(frames, even + np.array([[17.0], [0], [17.0], [0]]))
    found = find_alignment(frames, even, behind, CONTEXT)
    assert set(found.choice.changes) == {"shift"}
    assert align(frames, boxes + 300) is None
    assert find_alignment(np.zeros(0, np.int64), np.zeros((4, 0)), predictions(frames, boxes), CONTEXT) is None


def test_the_real_detections_are_not_questioned_and_found_when_they_are_late(shared_data):
    for name, size, fps in (("pets09", (768, 576), 10.0), ("tud-campus", (640, 480), 25.0)):
        truth = read_boxes(shared_data / name / "gt.txt")
        found = read_boxes(shared_data / name / "det_frcnn.txt")
        context = ReadContext(size=size, frame_count=795, fps=fps)
        assert find_alignment(truth.frames, truth.boxes, found, context) is None
        late = find_alignment(truth.frames, truth.boxes, found.shifted(3), context)
        assert late is not None and late.choice.changes == {"shift": -3}


def write_csv(path, frames, boxes, *, scored):
    rows = [
        ",".join(map(str, [frame, *box, *([0.9] if scored else [])]))
        for frame, box in zip(frames, boxes.T, strict=True)
    ]
    path.write_text("\n".join([f"frameID,x1,y1,x2,y2{',score' if scored else ''}", *rows]) + "\n")
    return path


def test_the_command_line_refuses_a_clear_misfit_and_names_both_figures_and_the_option(tmp_path):
    frames, boxes = moving()
    truth = write_csv(tmp_path / "gt.csv", frames, boxes, scored=False)
    late = write_csv(tmp_path / "late.csv", frames[:-4], boxes[:, 4:], scored=True)
    read = ReadOptions(size=(640, 480), frame_count=COUNT)
    request = EvalRequest(None, truth, (("model", late),), read=read)
    with pytest.raises(UserError, match=r"shift \+4: mean IoU 1\.00, as it is: 0\.\d\d.*--shift model=4") as caught:
        evaluate(request)
    assert "\n" not in str(caught.value)
    shifted = evaluate(replace(request, read=replace(read, for_files={"shift": {"model": 4}})))
    assert shifted.scores[0].metrics["precision"] == 1.0
    accepted = evaluate(replace(request, read=replace(read, accept_differences=True)))
    assert accepted.scores[0].metrics["precision"] < 1.0
