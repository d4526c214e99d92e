"""A project is made at the first edit or import, found again, and never loses or replaces work silently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iouviewer import folders
from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.projects.importer import ReplaceQuestion
from iouviewer.app.projects.locations import beside
from iouviewer.app.settings import Settings
from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes, FrameState, SetRects
from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.document.numbering import Numbering
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.variants import RunState
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, read_boxes
from iouviewer.metrics.table import Convention
from iouviewer.project.store import ProjectFile
from iouviewer.video.fingerprint import FormerFingerprint
from tests.project.building import bits_of, make_predictions, state_of

pytestmark = pytest.mark.usefixtures("qapp")

FRAMES = 8


@dataclass(frozen=True)
class Facts:
    path: Path
    size: tuple[int, int] = (640, 480)
    frame_count: int = FRAMES
    fps: float = 25.0
    fingerprint: str = "fingerprint-1"
    index_digest: str = "digest-1"
    former: FormerFingerprint | None = None
    numbers_confirmed: bool = True
    numbering: Numbering | None = None


def imported(path: Path, *, shift: float = 0.0, frames: tuple[int, ...] = (0, 0, 2), **fields: Any) -> ImportedBoxes:
    n = len(frames)
    corner = np.arange(n, dtype=np.float64) * 10 + shift
    known: dict[str, Any] = {
        "path": path,
        "format": "mot",
        "kind": Kind.GROUND_TRUTH,
        "frames": np.array(frames, np.int64),
        "boxes": np.array([corner, corner, corner + 30, corner + 40]).reshape(4, n),
        "class_ids": np.zeros(n, np.int64),
        "class_names": ("person",),
        "scores": None,
        "track_ids": np.arange(n),
        "flags": np.zeros(n, np.int64),
        "labelled": None,
    }
    return ImportedBoxes(**{**known, **fields})


class Window:
    """A session with its controller, and all that the controller said."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.session = Session()
        self.controller = ProjectController(self.session, settings or Settings())
        self.notices: list[str] = []
        self.problems: list[UserError] = []
        self.questions: list[ReplaceQuestion] = []
        self.asked: list[object] = []
        self.wanted: list[str] = []
        self.controller.notice.connect(self.notices.append)
        self.controller.warning.connect(self.notices.append)
        self.controller.problem.connect(self.problems.append)
        self.controller.askReplace.connect(self.questions.append)
        self.controller.askVideo.connect(self.asked.append)
        self.controller.videoWanted.connect(self.wanted.append)

    def move(self, by: float = 1.0) -> None:
        box = self.session.ground_truth.boxes(0)[0]
        x1, y1, x2, y2 = box.rect
        self.session.execute(SetRects(((box.id, (x1 + by, y1, x2 + by, y2)),)), "Move box")


@pytest.fixture
def windows() -> Iterator[list[Window]]:
    made: list[Window] = []
    yield made
    for window in made:
        window.controller.close()


@pytest.fixture
def video(tmp_path: Path) -> Facts:
    path = tmp_path / "films" / "clip.mp4"
    path.parent.mkdir()
    path.write_bytes(b"film")
    return Facts(path)


@pytest.fixture
def open_window(windows: list[Window]):
    def open_it(facts: Facts | None = None, settings: Settings | None = None) -> Window:
        window = Window(settings)
        windows.append(window)
        if facts is not None:
            window.controller.open_video_source(facts)
        return window

    return open_it


def test_looking_makes_no_file(open_window, video: Facts):
    window = open_window(video)
    window.session.go_to(3)
    window.controller.close()
    assert [p.name for p in video.path.parent.iterdir()] == ["clip.mp4"]
    assert window.controller.project is None


def test_the_first_edit_makes_the_project_beside_the_video_with_that_edit_in_it(open_window, video: Facts):
    window = open_window(video)
    empty = state_of(window.session.document)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add box 1")
    assert window.controller.path == beside(video.path)
    assert window.session.save_state.place == str(beside(video.path))
    after = state_of(window.session.document)
    window.controller.close()

    again = open_window(video)
    assert state_of(again.session.document) == after
    again.session.undo()
    again.session.undo()
    assert state_of(again.session.document) == empty
    assert again.problems == []


def test_saved_is_true_only_when_all_is_committed(open_window, video: Facts, qtbot):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add box 1")
    window.session.execute(AddBoxes((Box(2, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add box 2")
    assert window.session.save_state.requested == 2
    qtbot.waitUntil(lambda: window.session.save_state.is_saved)
    project = window.controller.project
    assert project is not None and project.progress == (2, 2)


def test_an_import_makes_the_project_and_sets_the_labelled_frames(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    assert window.controller.import_ground_truth(
        imported(tmp_path / "gt.txt", labelled=np.array([0, 1]), frames=(0, 2)), {}
    )
    states = window.session.ground_truth.states().tolist()
    assert states == [FrameState.LABELLED] * 3 + [FrameState.UNLABELLED] * 5
    after = state_of(window.session.document)
    window.controller.close()
    again = open_window(video)
    assert state_of(again.session.document) == after
    again.session.undo()
    assert state_of(again.session.document) == after


def test_a_file_that_names_no_frames_labels_them_all(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt", frames=()))
    assert (window.session.ground_truth.states() == FrameState.LABELLED).all()
    assert len(window.session.ground_truth) == 0


def test_boxes_outside_the_video_are_refused_and_nothing_changes(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    before = state_of(window.session.document)
    with pytest.raises(UserError, match="outside the video"):
        window.controller.import_ground_truth(imported(tmp_path / "gt.txt", frames=(0, 8)))
    with pytest.raises(UserError, match="outside the video"):
        window.controller.add_predictions("a", imported(tmp_path / "p.txt", frames=(0, 8)))
    assert state_of(window.session.document) == before
    assert window.controller.project is None


def test_edited_ground_truth_is_never_replaced_silently(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    window.move()
    edited = state_of(window.session.document)
    other = imported(tmp_path / "other.txt", shift=5)
    assert not window.controller.import_ground_truth(other)
    assert state_of(window.session.document) == edited
    (question,) = window.questions
    assert not window.controller.import_ground_truth(question.imported, question.class_map, replace=False)
    assert window.controller.import_ground_truth(question.imported, question.class_map, replace=True)
    replaced = state_of(window.session.document)
    assert replaced != edited
    window.controller.close()

    again = open_window(video)
    assert state_of(again.session.document) == replaced
    again.session.undo()
    assert state_of(again.session.document)["sources"][0][1:] == edited["sources"][0][1:]
    again.session.redo()
    assert state_of(again.session.document) == replaced


def test_the_same_file_again_keeps_the_edits(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    window.move()
    edited = state_of(window.session.document)
    window.controller.close()
    again = open_window(video)
    assert again.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    assert state_of(again.session.document) == edited
    assert again.questions == []
    assert any("kept" in notice for notice in again.notices)


def test_unedited_ground_truth_gives_way_to_another_file(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    assert window.controller.import_ground_truth(imported(tmp_path / "other.txt", shift=5, class_names=("Car",)))
    assert window.questions == []
    assert window.session.document.class_names == ("person", "Car")
    after = state_of(window.session.document)
    window.controller.close()
    assert state_of(open_window(video).session.document) == after


def test_predictions_before_ground_truth_ask_nothing(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    scores = np.array([0.5, 0.6, 0.7])
    window.controller.add_predictions("frcnn", imported(tmp_path / "det.txt", scores=scores, class_names=("Person",)))
    assert window.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    assert window.questions == []
    assert window.session.document.class_names == ("Person",)
    assert window.session.frame_iou("frcnn", 0) == 1.0


def test_classes_that_ground_truth_does_not_know_are_left_out_and_counted(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    mixed = imported(tmp_path / "p.txt", class_ids=np.array([0, 1, 2]), class_names=("PERSON", "dog", "Fußgänger"))
    plain = window.controller.add_predictions("plain", mixed)
    mapped = window.controller.add_predictions("mapped", mixed, {"fußgänger": "person"})
    assert (len(plain.predictions.table), plain.predictions.left_out) == (1, 2)
    assert (len(mapped.predictions.table), mapped.predictions.left_out) == (2, 1)


def test_variants_with_looks_and_baseline_come_back(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    first = window.session.variants.add("base", make_predictions(seed=1), path="a.txt")
    second = window.session.variants.add("int8", make_predictions(seed=2), fps=31.25)
    window.session.variants.update(second.key, colour="#123456", visible=False)
    window.session.variants.set_baseline(second.key)
    given = list(window.session.variants)
    window.controller.close()
    again = open_window(video)
    kept = list(again.session.variants)
    assert [replace(v, predictions=g.predictions) for v, g in zip(kept, given, strict=True)] == given
    assert [bits_of(v.predictions) for v in kept] == [bits_of(v.predictions) for v in given]
    assert again.session.variants.baseline is not None and again.session.variants.baseline.key == second.key
    assert again.session.frame_iou(first.key, 0) == window.session.frame_iou(first.key, 0)
    again.session.variants.remove(first.key)
    again.controller.close()
    assert [v.key for v in open_window(video).session.variants] == [second.key]


def test_a_run_is_kept_while_it_goes_on(open_window, video: Facts, qtbot, monkeypatch: pytest.MonkeyPatch):
    window = open_window(video)
    window.controller._keeper._timer.setInterval(1)
    key = window.session.variants.add("run", PredictionSet.empty(FRAMES), state=RunState.RUNNING).key
    growing = window.session.variants[key].predictions
    for frame in range(3):
        growing = growing.with_frames(
            np.array([frame]),
            row_frames=np.array([frame]),
            boxes=np.array([[1.0], [2.0], [30.0 + frame], [40.0]]),
            class_ids=np.array([-1]),
            scores=np.array([0.5]),
        )
        window.session.variants.extend_predictions(key, growing, frozenset({frame}))
    project = window.controller.project
    assert project is not None
    qtbot.waitUntil(lambda: not window.controller._keeper._chunks)
    copy = project.snapshot("as after a crash")
    window.session.variants.update(key, state=RunState.FINISHED)
    window.controller.close()

    opened = ProjectFile.open(copy)
    interrupted = opened.load().variants[0]
    opened.close()
    assert interrupted.state is RunState.CANCELLED
    assert interrupted.predictions.table.boxes.tobytes() == growing.table.boxes.tobytes()
    (finished,) = open_window(video).session.variants
    assert finished.state is RunState.FINISHED
    assert bits_of(finished.predictions) == bits_of(growing)


def test_score_settings_belong_to_the_project(open_window, video: Facts, tmp_path: Path):
    settings = Settings(confidence=0.4)
    window = open_window(video, settings)
    assert window.session.scores.settings.review.conf == 0.4
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    scores = window.session.scores.settings
    inclusive = replace(scores, review=replace(scores.review, convention=Convention.INCLUSIVE, conf=0.9))
    window.session.set_score_settings(inclusive)
    window.controller.set_value("margin", {"ap": 2.0})
    window.controller.close()
    again = open_window(video, settings)
    assert again.session.scores.settings.review == inclusive.review
    assert again.controller.value("margin") == {"ap": 2.0}


def test_where_the_video_lies_cannot_be_written_the_data_folder_serves_and_it_is_said_once(
    open_window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # A file in place of the folder: root may write to any folder, but not into a file.
    (tmp_path / "disc").write_text("")
    facts = Facts(tmp_path / "disc" / "clip.mp4")
    window = open_window(facts)
    for number in (1, 2):
        window.session.execute(AddBoxes((Box(number, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    assert window.controller.path is not None
    assert window.controller.path.is_relative_to(folders.data_folder())
    assert len(window.notices) == 1 and str(window.controller.path) in window.notices[0]
    after = state_of(window.session.document)
    window.controller.close()
    assert state_of(open_window(facts).session.document) == after


def test_a_moved_video_finds_its_project_by_fingerprint(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    window.controller.close()
    moved = tmp_path / "renamed.mp4"
    video.path.rename(moved)
    again = open_window(replace(video, path=moved))
    assert len(again.session.ground_truth) == 1
    assert again.controller.path == beside(video.path)
    assert again.session.source.path == str(moved)


@pytest.mark.parametrize("count", [5, 12])
def test_another_file_is_told_and_its_labels_stay(open_window, video: Facts, tmp_path: Path, count: int):
    window = open_window(video)
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt", frames=(0, 7)))
    window.session.variants.add("base", make_predictions(seed=1))
    window.controller.close()
    again = open_window(replace(video, frame_count=count, fingerprint="other"))
    assert any(f"{count} against 8 frames" in notice for notice in again.notices)
    assert len(again.session.ground_truth) == 2
    assert again.session.frame_count == max(count, 8)
    (variant,) = again.session.variants
    assert variant.predictions.frame_count == max(count, 8)
    again.move()
    after = state_of(again.session.document)
    again.controller.close()
    third = open_window(replace(video, frame_count=count, fingerprint="other"))
    assert state_of(third.session.document) == after


def test_a_project_finds_its_video_that_moved_with_it(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    window.controller.close()
    moved = video.path.parent.rename(tmp_path / "archive")
    again = open_window()
    again.controller.open_project(moved / "clip.mp4.iouv")
    assert again.wanted == [str(moved / "clip.mp4")]
    assert len(again.session.ground_truth) == 1
    again.controller.open_video_source(replace(video, path=moved / "clip.mp4"))
    assert again.session.source.path == str(moved / "clip.mp4")
    assert len(again.session.ground_truth) == 1
    assert again.notices == []


def test_without_its_video_a_project_asks_and_can_be_edited(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    window.controller.close()
    video.path.unlink()
    again = open_window()
    again.controller.open_project(beside(video.path))
    assert len(again.asked) == 1 and again.wanted == []
    again.move()
    after = state_of(again.session.document)
    again.controller.close()
    third = open_window()
    third.controller.open_project(beside(video.path))
    assert state_of(third.session.document) == after


def test_the_last_folders_are_searched_for_a_video(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    window.controller.close()
    other = tmp_path / "elsewhere"
    other.mkdir()
    video.path.rename(other / "clip.mp4")
    again = open_window(settings=Settings(last_folders={"video": str(other)}))
    again.controller.open_project(beside(video.path))
    assert again.wanted == [str(other / "clip.mp4")]


def test_a_second_window_shows_a_copy_that_goes_if_nothing_is_done_with_it(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    assert window.controller.project is not None and window.controller.project.flush()
    second = open_window(video)
    assert any("another window" in notice for notice in second.notices)
    assert len(second.session.ground_truth) == 3
    copy = second.controller.path
    assert copy is not None and copy.is_relative_to(folders.data_folder())
    second.controller.close()
    assert not copy.exists()
    third = open_window(video)
    third.move()
    copy = third.controller.path
    third.controller.close()
    assert copy is not None and copy.exists()
    window.move(3.0)
    assert window.problems == []


def test_a_damaged_project_is_kept_and_salvaged_with_a_report(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    window.move()
    edited = state_of(window.session.document)
    window.controller.close()
    path = beside(video.path)
    data = bytearray(path.read_bytes())
    data[:4096] = bytes(4096)
    path.write_bytes(data)
    again = open_window(video)
    assert state_of(again.session.document) == edited
    kept = [p for p in path.parent.iterdir() if ".damaged-" in p.name]
    assert len(kept) == 1 and kept[0].read_bytes() == data
    assert any("damaged" in notice and "3 boxes" in notice for notice in again.notices)
    assert not again.controller.import_ground_truth(imported(tmp_path / "other.txt", shift=1))
    assert len(again.questions) == 1


def test_a_project_of_which_nothing_is_left_is_never_opened_as_empty(open_window, video: Facts):
    path = beside(video.path)
    path.write_bytes(b"")
    window = open_window(video)
    assert len(window.problems) == 1 and str(path) in str(window.problems[0])
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    assert path.read_bytes() == b""
    assert window.controller.path is not None and window.controller.path != path


def test_a_place_can_be_chosen_for_the_project(open_window, video: Facts, tmp_path: Path):
    place = tmp_path / "work" / "mine.iouv"
    for expected in (1, 2):
        window = open_window()
        window.controller.use_place(place)
        window.controller.open_video_source(video)
        number = window.session.ground_truth.next_id
        window.session.execute(AddBoxes((Box(number, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
        assert window.controller.path == place
        assert len(window.session.ground_truth) == expected
        window.controller.close()


def test_snapshots_are_made_beside_and_told(open_window, video: Facts, qtbot):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    with qtbot.waitSignal(window.controller.snapshotMade) as made:
        window.controller.snapshot("before lunch")
    assert Path(made.args[0]).name == "before lunch.iouv"
    opened = ProjectFile.open(Path(made.args[0]))
    assert opened.step_count == 1
    opened.close()


def test_work_can_be_kept_elsewhere_when_its_place_is_gone(open_window, video: Facts, tmp_path: Path, qtbot):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add 1")
    project = window.controller.project
    assert project is not None and project.flush()
    project.path.unlink()
    window.session.execute(AddBoxes((Box(2, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add 2")
    qtbot.waitUntil(lambda: len(window.problems) == 1)
    window.controller.save_elsewhere(tmp_path / "rescued.iouv")
    after = state_of(window.session.document)
    window.controller.close()
    again = open_window()
    again.controller.open_project(tmp_path / "rescued.iouv")
    assert state_of(again.session.document) == after
    opened = again.controller.project
    assert opened is not None and opened.step_count == 2


def test_frames_that_were_counted_later_are_added(open_window, video: Facts, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported(tmp_path / "gt.txt"))
    window.session.variants.add("base", make_predictions(seed=1))
    window.controller.update_video(replace(video, frame_count=20, index_digest="final"))
    assert window.session.frame_count == 20
    window.session.execute(AddBoxes((Box(50, 19, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    after = state_of(window.session.document)
    window.controller.close()
    assert state_of(open_window(replace(video, frame_count=20)).session.document)["classes"] == after["classes"]


def test_real_footage_keeps_its_golden_numbers_through_the_file(open_window, video: Facts, shared_data: Path):
    folder = shared_data / "pets09"
    facts = replace(video, frame_count=795, size=(768, 576))
    context = ReadContext(frame_count=795, size=(768, 576))
    window = open_window(facts)
    truth = read_boxes(folder / "gt.txt", replace(context, kind=Kind.GROUND_TRUTH))
    window.controller.import_ground_truth(truth)
    found = read_boxes(folder / "det_frcnn.txt", replace(context, kind=Kind.PREDICTIONS))
    window.controller.add_predictions("frcnn", found)
    after = state_of(window.session.document)
    window.controller.close()
    again = open_window(facts)
    assert state_of(again.session.document) == after
    (variant,) = again.session.variants
    summary = again.session.scores.summary(variant.key)
    assert (summary.tp, summary.fp, summary.fn) == (3506, 812, 970)
    assert summary.avg_iou == pytest.approx(0.578275, abs=1e-6)
    assert summary.pq == pytest.approx(0.533380, abs=1e-6)
