"""One path, three doors: command line, window and Python say the same about the same small random world."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from iouviewer import api
from iouviewer.app.editing.session import Session
from iouviewer.app.editing.session_filter import SessionFilter
from iouviewer.app.projects.autosave import Autosave
from iouviewer.app.projects.importer import Importer
from iouviewer.cli import main
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameMark, FrameState, SetFrames, SetRects
from iouviewer.document.imported import ImportKind
from iouviewer.document.scores_types import ScoreSettings
from iouviewer.formats.interface import BoxesToWrite
from iouviewer.formats.registry import write_boxes
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.document_results import document_truth
from iouviewer.jobs.eval_inputs import ReadOptions, context_of, read_source, with_alignment_note
from iouviewer.jobs.evaluate import score_inputs
from iouviewer.jobs.judge import Judged
from iouviewer.jobs.requests import OpenRequest
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Convention
from iouviewer.ui.exports import read_session
from iouviewer.ui.importing import ReadRequest, read
from tests.ui.window import FRAMES, opened_window, write_video

SIZE = (320, 240)
NAMES = ("car", "person", "dog")
STRANGE = ("bicycle", "Pedestrian")
FILTERS = (
    *("size:<60", "size:>30 score:>0.4", "-size:small frames:0-3", "class:car", "class:none,person size:>20"),
    *("frames:1,2 variant:base", "state:miss lost", "score:<.8 -class:dog", "frames:900"),
)


@dataclass(frozen=True)
class Rows:
    """Boxes of one file: (N,) frames, (4, N) boxes, (N,) classes (-1: none), scores or None, (N,) ignored."""

    frames: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray | None
    ignored: np.ndarray


@dataclass(frozen=True)
class Predictions:
    """A variant. ``format``: how its file is written; ``results`` is COCO's list, whose classes are only numbers."""

    name: str
    class_names: tuple[str, ...]
    rows: Rows
    format: str


@dataclass(frozen=True)
class World:
    """Ground truth and predictions.

    ``states``: by frame, what the user says about it. ``truth_first``: order in which the window imports.
    """

    states: tuple[FrameState, ...]
    class_names: tuple[str, ...]
    truth: Rows
    variants: tuple[Predictions, ...]
    settings: ReviewSettings
    truth_first: bool
    baseline: int = 0
    filter: str = ""

    @property
    def frame_count(self) -> int:
        return len(self.states)


def random_rows(random: np.random.Generator, frame_count: int, classes: int, *, most: int, unclassed: bool) -> Rows:
    counts = np.maximum(random.integers(0, most + 1, frame_count), np.arange(frame_count) == 0)
    frames = np.repeat(np.arange(frame_count), counts)
    corner = random.uniform(5, 150, (2, len(frames)))
    boxes = np.round(np.concatenate([corner, corner + random.uniform(30, 80, (2, len(frames)))]), 2)
    boxes[:, :1] = [[200.5], [150.0], [280.0], [220.5]]  # not all boxes may lie in the first 100 pixels
    ids = random.integers(-1 if unclassed else 0, classes, len(frames)) if classes else np.full(len(frames), -1)
    return Rows(frames, boxes, ids, None, random.uniform(size=len(frames)) < 0.15)


def near(
    random: np.random.Generator, truth: Rows, names: tuple[str, ...], table: tuple[str, ...], noise: float
) -> Rows:
    """Predictions of most boxes of the truth, a few of other classes, and a few that are nothing."""
    extra = random_rows(random, int(truth.frames.max(initial=0)) + 1, len(table), most=1, unclassed=not table)
    kept = random.uniform(size=len(truth.frames)) < 0.85
    boxes = truth.boxes[:, kept] + random.normal(0, noise, (4, int(kept.sum())))
    folded = [name.casefold() for name in table]
    of_class = [folded.index(name.casefold()) if name.casefold() in folded else -1 for name in names]
    ids = np.array([*of_class, -1])[truth.classes[kept]]
    other = random.uniform(size=len(ids)) < 0.1
    if table:
        ids = np.where(other | (ids < 0), random.integers(0, len(table), len(ids)), ids)
    frames = np.concatenate([truth.frames[kept], extra.frames])
    order = np.argsort(frames, kind="stable")
    boxes = np.round(np.concatenate([boxes, extra.boxes], axis=1), 2)[:, order]
    classes = np.concatenate([ids, extra.classes])[order]
    scores = np.round(random.uniform(0.05, 1.0, len(frames)), 3)
    return Rows(frames[order], boxes, classes, scores, np.zeros(len(frames), bool))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    others = st.sampled_from([FrameState.LABELLED] * 4 + list(FrameState))
    states = (FrameState.LABELLED, *draw(st.lists(others, min_size=2, max_size=9)))
    names = tuple(draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3)))
    truth = random_rows(random, len(states), len(names), most=3, unclassed=draw(st.booleans()))
    variants = []
    for name in ("base", "int8", "other")[: draw(st.integers(1, 3))]:
        table = tuple(
            draw(st.permutations([*map(str.title, names), *draw(st.lists(st.sampled_from(STRANGE), max_size=1))]))
        )
        table = table if draw(st.integers(0, 4)) else ()
        rows = near(random, truth, names, table, draw(st.sampled_from([1.0, 4.0])))
        form = draw(st.sampled_from(["coco", "boxcsv", "results"]))
        if not draw(st.integers(0, 4)) and form == "boxcsv":
            rows = replace(rows, scores=None)
        variants.append(Predictions(name, table, rows, form))
    review = ReviewSettings(
        draw(st.sampled_from([0.25, 0.5, 0.01])),
        draw(st.sampled_from([0.5, 0.75])),
        draw(st.sampled_from(Convention)),
        draw(st.booleans()),
    )
    baseline = draw(st.integers(0, len(variants) - 1))
    line = draw(st.sampled_from(["", "", *FILTERS]))
    return World(states, names, truth, tuple(variants), review, draw(st.booleans()), baseline, line)


# Files


def to_write(rows: Rows, names: tuple[str, ...], frame_count: int, labelled: np.ndarray | None) -> BoxesToWrite:
    flags = np.where(rows.ignored, int(BoxFlag.IGNORED), 0)
    none = np.full(len(rows.frames), -1, np.int64)
    return BoxesToWrite(
        rows.frames, rows.boxes, rows.classes, names, rows.scores, none, flags, SIZE, frame_count, labelled
    )


def write_truth(world: World, path: Path, *, with_excluded: bool) -> Path:
    """COCO with the images of the labelled frames; ``with_excluded``: also of frames that the user excludes later."""
    states = np.array([int(state) for state in world.states])
    labelled = states == int(FrameState.LABELLED)
    if with_excluded:
        labelled |= states == int(FrameState.EXCLUDED)
    keep = labelled[world.truth.frames]
    truth = world.truth
    rows = Rows(truth.frames[keep], truth.boxes[:, keep], truth.classes[keep], None, truth.ignored[keep])
    write_boxes(path, to_write(rows, world.class_names, world.frame_count, np.flatnonzero(labelled)), format="coco")
    document = json.loads(path.read_bytes())
    for annotation in document["annotations"]:
        if int(annotation["bbox"][0]) % 3 == 0:
            annotation["area"] *= 0.3  # of a mask, which is smaller than its box
    path.write_text(json.dumps(document))
    return path


def write_predictions(world: World, one: Predictions, folder: Path) -> Path:
    if one.format != "results":
        path = folder / f"{one.name}.{'json' if one.format == 'coco' else 'csv'}"
        write_boxes(path, to_write(one.rows, one.class_names, world.frame_count, None), format=one.format)
        return path
    # The category numbers are those of the ground truth, whose names a results list lacks.
    own = [name.casefold() for name in world.class_names]
    numbers = [own.index(name.casefold()) + 1 if name.casefold() in own else 90 for name in one.class_names]
    entries = []
    for row, frame in enumerate(one.rows.frames.tolist()):
        x1, y1, x2, y2 = one.rows.boxes[:, row].tolist()
        number = numbers[one.rows.classes[row]] if one.rows.classes[row] >= 0 else 1
        entry = {"image_id": frame + 1, "category_id": number, "bbox": [x1, y1, x2 - x1, y2 - y1]}
        entries.append(entry | {"score": float(one.rows.scores[row]) if one.rows.scores is not None else 1.0})
    path = folder / f"{one.name}.json"
    path.write_text(json.dumps(entries))
    return path


# Doors: each returns the report, or the sentence with which it refuses

Answer = dict[str, Any] | str


def command_line(
    world: World, truth: Path, files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> tuple[Answer, str]:
    out, review = truth.with_name("o.json"), world.settings
    arguments = ["--size", "{}x{}".format(*SIZE), "--count", str(world.frame_count), "--gt", str(truth)]
    for name, path in files.items():
        arguments += ["--pred", f"{name}={path}"]
    arguments += ["--baseline", world.variants[world.baseline].name]
    arguments += ["--conf", str(review.conf), "--iou", str(review.iou), "--convention", str(review.convention)]
    arguments += ["--class-agnostic"] if review.class_agnostic else []
    arguments += ["--filter", world.filter, "--pairs", str(truth.with_name("pairs.csv"))]
    capsys.readouterr()
    status = main(["eval", *arguments, "--json", str(out)])
    said = capsys.readouterr()
    if status == 2:
        return said.err.removeprefix("iouviewer: ").strip(), ""
    assert status == 0 and said.err == ""
    return json.loads(out.read_bytes()), said.out


def python(world: World, truth: Path, files: dict[str, Path]) -> tuple[Answer, str]:
    review = world.settings
    try:
        source = api.open_source(size=SIZE, frame_count=world.frame_count)
        gt = api.read_ground_truth(truth, source)
        found = {name: api.read_predictions(path, source, truth=gt, name=name) for name, path in files.items()}
        joined = api.join(source, gt, found, class_agnostic=review.class_agnostic)
        joined = joined.with_settings(confidence=review.conf, iou_threshold=review.iou, convention=review.convention)
        joined = joined.with_settings(baseline=world.variants[world.baseline].name)
        joined = api.with_filter(joined, world.filter)
        result = api.evaluate(joined)
        sentences = (
            [judgement.sentence for judgement in api.verdict(joined).judgements] if len(joined.variants) > 1 else []
        )
    except api.UserError as error:
        return str(error), ""
    assert list(result.sentences) == sentences
    assert result.pairs_csv() == truth.with_name("pairs.csv").read_bytes()
    return json.loads(result.json()), result.text()


def session_of(world: World, truth: Path, files: dict[str, Path]) -> Session:
    """A session without a window, filled by the window's own reading and importing."""
    source, _ = read_source(None, ReadOptions(size=SIZE, frame_count=world.frame_count))
    document = Document()
    document.add_source(source)
    session = Session()
    session.open_document(document)
    session.set_score_settings(ScoreSettings(world.settings))
    importer = Importer(session, Autosave(session))
    gt = read(ReadRequest(0, truth, ImportKind.GROUND_TRUTH, context_of(source)))
    if gt.error is not None:
        raise gt.error
    assert gt.boxes is not None

    def import_truth() -> None:
        assert gt.boxes is not None
        assert importer.import_ground_truth(gt.boxes)
        marks = [FrameMark(f, state, False) for f, state in enumerate(world.states) if state is FrameState.EXCLUDED]
        session.execute(SetFrames(tuple(marks)), "Exclude")

    if world.truth_first:
        import_truth()
    reference = gt.boxes.frames, gt.boxes.boxes
    for number, (name, path) in enumerate(files.items(), start=1):
        request = ReadRequest(
            number, path, ImportKind.PREDICTIONS, context_of(source), listed=gt.boxes.images, reference=reference
        )
        result = read(request)
        if result.error is not None:
            raise result.error
        assert result.boxes is not None
        if result.alignment is not None:  # the Open dialog adds the note of predictions that are used as they are
            result = replace(result, boxes=with_alignment_note(result.boxes, result.alignment))
        importer.add_predictions(name, result.boxes)
    if not world.truth_first:
        import_truth()
    baseline = session.variants.find(world.variants[world.baseline].name)
    assert baseline is not None
    session.variants.set_baseline(baseline.key)
    return session


def window(world: World, truth: Path, files: dict[str, Path]) -> tuple[Answer, str]:
    try:
        session = session_of(world, truth, files)
        SessionFilter(session).set_line(world.filter)
        result = score_inputs(*read_session(session, DEFAULT_MARGINS, analysis=True))
    except api.UserError as error:
        return str(error), ""
    for variant in session.variants:  # what the table and the timeline show
        if variant.name not in result.values["variants"]:
            continue
        shown, reported = session.scores.summary(variant.key), result.values["variants"][variant.name]
        for name in ("avg_iou", "pq", "tp", "fp", "fn", "ap", "ap50", "frames"):
            assert getattr(shown, name) == pytest.approx(reported[name], abs=1e-12), name
    return json.loads(result.json()), result.text()


@contextmanager
def written(world: World) -> Iterator[tuple[Path, Path, dict[str, Path]]]:
    """Ground truth without and with the frames that the user excludes, and predictions by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "all").mkdir()
        plain = write_truth(world, folder / "gt.json", with_excluded=False)
        whole = write_truth(world, folder / "all" / "gt.json", with_excluded=True)
        yield plain, whole, {one.name: write_predictions(world, one, folder) for one in world.variants}


@given(world=worlds())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_all_doors_give_equal_numbers_and_equal_sentences(
    world: World, capsys: pytest.CaptureFixture[str], qapp: object
) -> None:
    with written(world) as (truth, whole, files):
        said, printed = command_line(world, truth, files, capsys)
        asked, text = python(world, truth, files)
        assert differences(asked, said) == []
        assert text == printed
        shown, exported = window(world, whole, files)
        if isinstance(said, str):
            event("refused")
            assert_not_judged(shown)
            return
        assert differences(without_excluded(shown), without_excluded(said)) == []
        assert EXCLUDED.sub("", exported) == printed
        jsonschema.Draft202012Validator(api.report_schema()).validate(said)
        event(f"{len(files)} variants")


EXCLUDED = re.compile(r"; \d+ frames? excluded")


def without_excluded(report: Answer) -> Answer:
    """The report without what says which frames a person excluded; only a project knows that, no file does."""
    if isinstance(report, str):
        return report
    protocol = {name: value for name, value in report["protocol"].items() if name != "excluded_frames"}
    return {name: value for name, value in report.items() if name != "frame_states"} | {"protocol": protocol}


def differences(one: Any, other: Any, place: str = "") -> list[str]:
    """Where two reports differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return [d for key in keys for d in differences(one.get(key, "none"), other.get(key, "none"), f"{place}.{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [d for number, pair in pairs for d in differences(*pair, f"{place}[{number}]")]
    return [] if one == other else [f"{place}: {one!r} != {other!r}"]


def assert_not_judged(shown: Answer) -> None:
    """Where the command line refuses, the window shows its table, but nothing passes."""
    if isinstance(shown, str):
        return
    outcomes = [one["verdict"] for one in shown["variants"].values() if one["verdict"] is not None]
    assert "PASS" not in outcomes


@pytest.mark.parametrize("class_agnostic", [False, True])
def test_the_real_window_writes_the_files_that_the_command_line_writes(
    qtbot: QtBot, tmp_path: Path, class_agnostic: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(5)
    names = ("car", "person")
    truth = random_rows(random, FRAMES, 2, most=3, unclassed=False)
    rows = [near(random, truth, names, ("Person", "Car", "bicycle"), noise) for noise in (1.0, 3.0)]
    variants = tuple(
        Predictions(name, ("Person", "Car", "bicycle"), one, "coco") for name, one in zip(("a", "b"), rows, strict=True)
    )
    states = (FrameState.LABELLED,) * (FRAMES - 3) + (FrameState.UNLABELLED,) * 3
    settings = ReviewSettings(class_agnostic=class_agnostic)
    world = World(states, names, truth, variants, settings, truth_first=True)
    video, gt = write_video(tmp_path / "clip.avi"), write_truth(world, tmp_path / "gt.json", with_excluded=False)
    preds = tuple((one.name, write_predictions(world, one, tmp_path)) for one in variants)
    exports = {
        "exportJson": "report.json",
        "exportHtml": "report.html",
        "exportCsv": "scores.csv",
        "exportPairs": "pairs.csv",
    }
    mine, theirs = tmp_path / "window", tmp_path / "eval"
    mine.mkdir()
    theirs.mkdir()
    with opened_window(qtbot, OpenRequest(video=video, gt=gt, preds=preds)) as window:
        judged: list[Judged] = []
        window.parts.verdicts.ready.connect(lambda found: judged.__setitem__(slice(None), found))
        window.session.set_score_settings(ScoreSettings(settings))
        qtbot.waitUntil(lambda: bool(judged) and window.parts.verdicts.complete, timeout=30_000)
        for action, name in exports.items():
            window.parts.exports.write(action, mine / name)
        window.parts.exports.close()
    arguments = ["eval", str(video), "--gt", str(gt), *(["--class-agnostic"] if class_agnostic else [])]
    for name, path in preds:
        arguments += ["--pred", f"{name}={path}"]
    for option, name in zip(("--json", "--html", "--csv", "--pairs"), exports.values(), strict=True):
        arguments += [option, str(theirs / name)]
    assert main(arguments) == 0
    said, shown = (json.loads((folder / "report.json").read_bytes()) for folder in (theirs, mine))
    assert differences(shown, said) == []
    assert [one.sentence for one in judged] == [said["variants"]["b"]["bootstrap"]["sentence"]]
    assert said["variants"]["a"]["left_out_classes"] == ({} if class_agnostic else {"bicycle": 5})
    for name in exports.values():
        assert (mine / name).read_bytes() == (theirs / name).read_bytes(), name
    assert "b: " in (mine / "report.html").read_text(encoding="utf-8")


def test_selected_frames_margins_and_target_of_the_window_reach_its_report(tmp_path: Path, qapp: object) -> None:
    random = np.random.default_rng(8)
    truth = random_rows(random, 12, 1, most=3, unclassed=False)
    variants = tuple(
        Predictions(name, ("Car",), near(random, truth, ("car",), ("Car",), 2.0), "coco") for name in ("a", "b")
    )
    world = World((FrameState.LABELLED,) * 12, ("car",), truth, variants, ReviewSettings(), truth_first=True)
    with written(world) as (plain, _whole, files):
        session = session_of(world, plain, files)
    selected = np.isin(np.arange(12), [2, 3, 4, 9])
    session.set_score_settings(replace(session.scores.settings, frames=selected, target=0.6))
    result = score_inputs(*read_session(session, {"pq": 2.5}, analysis=True))
    protocol = result.values["protocol"]
    assert (protocol["frames"], protocol["chosen_frames"], protocol["margins"]) == ("2:5, 9:10", 4, {"pq": 2.5})
    assert result.target == 0.6
    assert result.frames.tolist() == [2, 3, 4, 9]
    assert "allowed drop 2.5" in result.sentences[0]
    session.execute(SetRects(((1, (1.0, 2.0, 31.0, 42.0)),)), "Resize")
    edited = document_truth(session.document).table
    assert edited.areas is not None and np.isnan(edited.areas[edited.ids == 1]).all()
    assert not np.isnan(edited.areas[edited.ids != 1]).any()


def test_notes_skipped_rows_and_boxes_out_of_view_are_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], qapp: object
) -> None:
    """The files' assumptions: no classes, a row that cannot be read, a track whose boxes leave the picture."""
    rows = [f"{f},{10 + f},20,{60 + f},90,{1 + (f >= 7)},{'outside' if f == 3 else ''}" for f in range(12)]
    gt = tmp_path / "gt.csv"
    gt.write_text("\n".join(["frameID,x1,y1,x2,y2,id,flags", *rows, "5,50,50,20,20,1,"]) + "\n")
    pred = tmp_path / "a.csv"
    lines = [f"{f},{11 + f},20,{61 + f},90,0.{9 - f % 5}" for f in range(12)]
    pred.write_text("\n".join(["frameID,x1,y1,x2,y2,score", *lines, "6,50,50,20,20,0.5"]) + "\n")
    out = tmp_path / "o.json"
    arguments = ["--gt", str(gt), "--pred", f"a={pred}", "--json", str(out), "--skip-bad-rows"]
    assert main(["eval", "--size", "320x240", "--count", "12", *arguments]) == 0
    said, printed = json.loads(out.read_bytes()), capsys.readouterr().out
    notes = said["protocol"]["warnings"]
    assert sum("1 row was skipped" in note for note in notes) == 2
    assert any("no class names" in note for note in notes)
    assert said["variants"]["a"]["temporal"]["tracks"] == 2

    states = (FrameState.LABELLED,) * 12
    empty = Rows(np.zeros(0, int), np.zeros((4, 0)), np.zeros(0, int), None, np.zeros(0, bool))
    world = World(states, (), empty, (Predictions("a", (), empty, "boxcsv"),), ReviewSettings(), truth_first=True)
    session = session_of(world, gt, {"a": pred})
    result = score_inputs(*read_session(session, DEFAULT_MARGINS, analysis=True))
    assert differences(json.loads(result.json()), said) == []
    assert result.text() == printed

    options = api.ReadOptions(skip_bad_rows=True)
    source = api.open_source(size=SIZE, frame_count=12)
    truth = api.read_ground_truth(gt, source, options=options)
    found = {"a": api.read_predictions(pred, source, truth=truth, options=options)}
    again = api.evaluate(api.join(source, truth, found, options=options))
    assert differences(json.loads(again.json()), said) == []
