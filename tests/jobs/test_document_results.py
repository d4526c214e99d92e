"""Results of a document equal those of the command line for the same boxes in files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from iouviewer import api
from iouviewer.cli import main
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.imported import ImportKind
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.document.variants import RunState, Variant
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, read_boxes, write_boxes
from iouviewer.jobs.document_results import (
    document_truth,
    evaluate_document,
    ground_truth_to_write,
    predictions_to_write,
)
from iouviewer.jobs.eval_inputs import has_single_images
from iouviewer.jobs.evaluate import EvalRequest, evaluate
from iouviewer.jobs.frame_pictures import VariantOverlay, frame_image
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import BoxTable
from iouviewer.project.store import ProjectFile

FRAMES = 40


@pytest.fixture
def document() -> Document:
    """Forty frames with one to three cars and people; one frame is excluded, one unlabelled."""
    random = np.random.default_rng(3)
    document = Document()
    document.class_names = ("car", "person")
    truth = document.add_source(Source(0, "clip.mp4", "", 320, 240, FRAMES, 25.0))
    frames = np.repeat(np.arange(FRAMES), random.integers(1, 4, FRAMES))
    # No file format distinguishes an excluded frame with boxes from a labelled one.
    frames = frames[(frames != 5) & (frames != 9)]
    corner = random.uniform(5, 150, (2, len(frames)))
    boxes = np.concatenate([corner, corner + random.uniform(50, 80, (2, len(frames)))])
    none = np.zeros(len(frames), np.int64)
    truth.load_columns(frames, boxes, class_ids=random.integers(0, 2, len(frames)), tracks=none - 1, flags=none)
    states = np.full(FRAMES, int(FrameState.LABELLED), np.int8)
    states[5], states[9] = int(FrameState.EXCLUDED), int(FrameState.UNLABELLED)
    truth.load_states(states, np.zeros(FRAMES, np.bool_))
    return document


@pytest.fixture
def variants(document: Document) -> list[Variant]:
    truth = document.ground_truth().table()
    random = np.random.default_rng(4)
    found = []
    for name, noise in (("base", 3.0), ("other", 6.0)):
        table = BoxTable.from_rows(
            truth.frame_of_row(),
            truth.boxes + random.normal(0, noise, truth.boxes.shape),
            frame_count=FRAMES,
            class_ids=truth.class_ids,
            scores=random.uniform(0.0, 1.0, len(truth)),
        )
        predictions = PredictionSet(table, np.ones(FRAMES, np.bool_), score_floor=0.001)
        found.append(Variant(f"key-{name}", name, predictions, "#2e9e5b"))
    return found


def test_a_document_scores_as_its_exported_files_do(
    document: Document, variants: list[Variant], tmp_path: Path
) -> None:
    direct = evaluate_document(document, variants, baseline="key-other")
    gt = tmp_path / "gt.json"
    write_boxes(gt, ground_truth_to_write(document), format="coco")
    preds = []
    for variant in variants:
        table = variant.predictions.table
        names = [document.class_names[c] for c in table.class_ids]
        rows = zip(table.frame_of_row(), *table.boxes, names, table.scores, strict=True)
        path = tmp_path / f"{variant.name}.csv"
        text = "\n".join(",".join(str(value) for value in row) for row in rows)
        path.write_text(f"frameID,x1,y1,x2,y2,class,score\n{text}\n")
        preds.append((variant.name, path))
    files = evaluate(EvalRequest(video=None, gt=gt, preds=tuple(preds), baseline="other"))
    for name in ("base", "other"):
        mine, theirs = direct.values["variants"][name], files.values["variants"][name]
        for key in ("avg_iou", "pq", "tp", "fp", "fn", "ap", "ap50", "frames"):
            assert mine[key] == pytest.approx(theirs[key], abs=1e-5), key
    assert direct.scores[0].name == "other"
    assert direct.values["variants"]["other"]["delta"] is None
    assert direct.values["variants"]["base"]["frames"] == FRAMES - 2
    lines = direct.score_csv().decode().splitlines()
    assert ",excluded," in lines[1 + 5] and ",unlabelled," in lines[1 + 9]


@pytest.mark.parametrize("key", ["mot", "coco", "boxcsv"])
def test_the_corrected_ground_truth_reads_back_equal(document: Document, tmp_path: Path, key: str) -> None:
    path = tmp_path / {"mot": "gt.txt", "coco": "gt.json", "boxcsv": "gt.csv"}[key]
    write_boxes(path, ground_truth_to_write(document), format=key)
    back = read_boxes(path, ReadContext(size=(320, 240), frame_count=FRAMES))
    frames, boxes, class_ids, *_ = document.ground_truth().columns()
    assert np.array_equal(back.frames, frames)
    assert np.allclose(back.boxes, boxes, atol=2e-6)
    names = [back.class_names[c] for c in back.class_ids]
    assert names == [document.class_names[c] for c in class_ids]


def test_a_failed_run_is_not_judged_by_the_frames_that_it_finished(
    document: Document, variants: list[Variant], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = replace(variants[1], state=RunState.FAILED, message="out of memory")
    result = evaluate_document(document, [variants[0], failed])
    [sentence] = result.sentences
    assert "cannot be judged against base: the run of other failed (out of memory)" in sentence
    assert "other" in result.unfit
    path = tmp_path / "clip.mp4.iouv"
    ProjectFile.create(path, document, variants=[variants[0], failed], baseline="key-base").close()
    assert main(["gate", str(path)]) == 2
    assert "out of memory" in capsys.readouterr().err


def test_no_variants_and_an_unknown_baseline_are_refused(document: Document, variants: list[Variant]) -> None:
    with pytest.raises(UserError, match="no variants"):
        evaluate_document(document, [])
    with pytest.raises(UserError, match="'x' is not a variant"):
        evaluate_document(document, variants, baseline="x")


def test_exported_predictions_read_back_equal(document: Document, variants: list[Variant], tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    write_boxes(path, predictions_to_write(document, variants[0]), format="coco")
    context = ReadContext(size=(320, 240), frame_count=FRAMES, kind=ImportKind.PREDICTIONS)
    found = read_boxes(path, context)
    table = variants[0].predictions.table
    assert found.frames.tolist() == table.frame_of_row().tolist()
    assert np.allclose(found.boxes, table.boxes, atol=1e-3)
    assert np.allclose(found.scores, table.scores, atol=1e-6)


@pytest.mark.parametrize("floors", [(0.001, 0.009), (0.001, 0.4), (0.3, 0.001), (0.001, 0.001)])
def test_differences_in_the_report_are_those_of_the_verdict(
    document: Document, variants: list[Variant], floors: tuple[float, float]
) -> None:
    cut = []
    for variant, floor in zip(variants, floors, strict=True):
        table = variant.predictions.table
        scores = np.where(np.arange(len(table)) % 3 == 0, table.scores / 100, table.scores)  # many are below 0.01
        table = replace(table, scores=scores).select(scores >= floor)
        cut.append(replace(variant, predictions=replace(variant.predictions, table=table, score_floor=floor)))
    request = EvalRequest(video=None, gt=None, verdicts=True)
    other = evaluate_document(document, cut, request=request).values["variants"]["other"]
    for metric in ("ap", "pq", "avg_iou"):
        judged = other["bootstrap"]["metrics"][metric]["points"]
        assert 100 * other["delta"][metric] == pytest.approx(judged, abs=1e-9), metric
    assert other["delta"]["floor"] == (None if floors[0] == floors[1] else max(floors))


def test_the_verified_frames_of_a_project_can_be_selected(
    document: Document, variants: list[Variant], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = document.ground_truth()
    verified = np.arange(FRAMES) % 2 == 0
    truth.load_states(truth.states(), verified)
    result = evaluate_document(document, variants, request=EvalRequest(video=None, gt=None, frames="verified"))
    assert result.frames.tolist() == np.flatnonzero(verified).tolist()
    assert result.protocol["frames"] == "verified"
    path = tmp_path / "clip.mp4.iouv"
    ProjectFile.create(path, document, variants=variants, baseline="key-base").close()
    assert main(["gate", str(path), "--frames", "verified"]) == 3
    assert "; 20 frames" in capsys.readouterr().out
    assert api.open_project(path, frames="verified").frames.tolist() == result.frames.tolist()
    truth.load_states(truth.states(), np.zeros(FRAMES, np.bool_))
    with pytest.raises(UserError, match="no frame is verified"):
        evaluate_document(document, variants, request=EvalRequest(video=None, gt=None, frames="verified"))


def test_the_gate_does_not_change_the_project(
    document: Document, variants: list[Variant], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clip.mp4.iouv"
    project = ProjectFile.create(path, document, variants=variants, baseline="key-base")
    project.load()
    project.close()
    before = path.read_bytes()
    assert main(["gate", str(path)]) == 3
    assert "other: FAIL against base" in capsys.readouterr().out
    assert main(["gate", str(path), "--baseline", "other"]) == 0
    assert "base: PASS against other" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert main(["gate", str(path), "--gt", "x"]) == 2
    assert "has its own ground truth" in capsys.readouterr().err


def test_the_frame_image_shows_ground_truth_in_blue_and_captions_pairs_only(
    document: Document, variants: list[Variant]
) -> None:
    grey = np.full((240, 320, 3), 128, np.uint8)
    truth = document.ground_truth().frame_table(0)
    bare = cv2.imdecode(np.frombuffer(frame_image(grey, truth, [], ReviewSettings()), np.uint8), cv2.IMREAD_COLOR)
    _, y1, x2, y2 = truth.boxes[:, 0]
    edge = bare[int((y1 + y2) / 2), int(x2) - 1 : int(x2) + 2].astype(int)
    assert (edge[:, 0] - edge[:, 2]).max() > 50  # blue, green, red
    shown = VariantOverlay("#2e9e5b", variants[0].predictions.table.frame(0))
    white = []
    for confidence in (0.0, 1.0):
        data = frame_image(grey, truth, [shown], ReviewSettings(conf=confidence))
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        white.append(int((image == 0xF2).all(axis=2).sum()))  # the text of captions on the canvas
    assert white[0] > 0 and white[1] == 0


def test_an_image_folder_has_single_images_and_a_video_does_not(tmp_path: Path) -> None:
    images, video = tmp_path / "images", tmp_path / "clip.mp4"
    images.mkdir()
    video.write_bytes(b"")
    assert has_single_images(Source(0, "images", str(images), 8, 8, 3))
    for source in (Source(0, "clip.mp4", str(video), 8, 8, 3), Source(0, "images", str(images), 8, 8, 3, 25.0)):
        assert not has_single_images(source)
    assert not has_single_images(Source(0, "nowhere", "", 8, 8, 3))


def test_tracks_follow_their_boxes_where_others_are_out_of_view() -> None:
    document = Document()
    truth = document.add_source(Source(0, "clip.mp4", "", 320, 240, 3, 25.0))
    frames, tracks = np.array([0, 0, 1, 1, 2, 2]), np.array([7, 8, 7, 8, 7, 8])
    outside = np.array([0, 1, 1, 0, 0, 0]) * int(BoxFlag.OUTSIDE)
    boxes = np.tile(np.array([[10.0], [10.0], [50.0], [50.0]]), 6) + tracks
    truth.load_columns(frames, boxes, class_ids=tracks * 0, tracks=tracks, flags=outside)

    found = document_truth(document)

    assert found.tracks.tolist() == [7, 8, 7, 8]
    assert found.table.boxes[0].tolist() == [17, 18, 17, 18]
