"""A project is created at the first edit or import, found again, and never loses or silently replaces work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iouviewer import folders
from iouviewer.app.projects.locations import FoundProject, sidecar_path
from iouviewer.app.settings import Settings
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes, FrameState
from iouviewer.document.imported import ImportKind
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.variants import RunState
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, read_boxes
from iouviewer.metrics.table import Convention
from iouviewer.project.store import ProjectFile
from tests.app.builders import ProjectWindow, imported_boxes, video_info
from tests.document.builders import bits_of, make_predictions, state_of

pytestmark = pytest.mark.usefixtures("qapp")

FRAMES = 8


@pytest.fixture
def windows() -> Iterator[list[ProjectWindow]]:
    made: list[ProjectWindow] = []
    yield made
    for window in made:
        window.controller.close()


@pytest.fixture
def video(tmp_path: Path) -> VideoInfo:
    path = tmp_path / "videos" / "clip.mp4"
    path.parent.mkdir()
    path.write_bytes(b"video")
    return video_info(path)


@pytest.fixture
def open_window(windows: list[ProjectWindow]):
    def open_it(info: VideoInfo | None = None, settings: Settings | None = None) -> ProjectWindow:
        window = ProjectWindow(settings)
        windows.append(window)
        if info is not None:
            window.controller.open_video_source(info)
        return window

    return open_it


def test_viewing_creates_no_file(open_window, video: VideoInfo):
    window = open_window(video)
    window.session.go_to(3)
    window.controller.close()
    assert [p.name for p in video.path.parent.iterdir()] == ["clip.mp4"]
    assert window.controller.project is None


def test_the_first_edit_creates_the_project_beside_the_video(open_window, video: VideoInfo):
    window = open_window(video)
    empty = state_of(window.session.document)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add box 1")
    assert window.controller.path == sidecar_path(video.path)
    assert window.session.save_state.project_path == str(sidecar_path(video.path))
    after = state_of(window.session.document)
    window.controller.close()

    again = open_window(video)
    assert state_of(again.session.document) == after
    again.session.undo()
    again.session.undo()
    assert state_of(again.session.document) == empty
    assert again.errors == []


def test_the_session_is_saved_only_when_every_step_is_committed(open_window, video: VideoInfo, qtbot):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add box 1")
    window.session.execute(AddBoxes((Box(2, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add box 2")
    assert window.session.save_state.requested == 2
    qtbot.waitUntil(lambda: window.session.save_state.is_saved)
    project = window.controller.project
    assert project is not None and project.progress == (2, 2)


def test_an_import_creates_the_project_and_sets_the_labelled_frames(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    assert window.controller.import_ground_truth(
        imported_boxes(tmp_path / "gt.txt", labelled=np.array([0, 1]), frames=(0, 2)), {}
    )
    states = window.session.ground_truth.states().tolist()
    assert states == [FrameState.LABELLED] * 3 + [FrameState.UNLABELLED] * 5
    after = state_of(window.session.document)
    window.controller.close()
    again = open_window(video)
    assert state_of(again.session.document) == after
    again.session.undo()
    assert state_of(again.session.document) == after


def test_a_file_without_frame_numbers_labels_all_frames(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt", frames=()))
    assert (window.session.ground_truth.states() == FrameState.LABELLED).all()
    assert len(window.session.ground_truth) == 0


def test_boxes_outside_the_video_are_refused_and_nothing_changes(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    before = state_of(window.session.document)
    with pytest.raises(UserError, match="outside the video"):
        window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt", frames=(0, 8)))
    with pytest.raises(UserError, match="outside the video"):
        window.controller.add_predictions("a", imported_boxes(tmp_path / "p.txt", frames=(0, 8)))
    assert state_of(window.session.document) == before
    assert window.controller.project is None


def test_edited_ground_truth_is_never_replaced_without_asking(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    window.move()
    edited = state_of(window.session.document)
    other = imported_boxes(tmp_path / "other.txt", shift=5)
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


def test_importing_the_same_file_again_keeps_the_edits(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    window.move()
    edited = state_of(window.session.document)
    window.controller.close()
    again = open_window(video)
    assert again.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    assert state_of(again.session.document) == edited
    assert again.questions == []
    assert any("kept" in message for message in again.messages)


def test_boxes_are_replaced_by_another_file_after_a_question_in_one_step(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    before = state_of(window.session.document)
    other = imported_boxes(tmp_path / "other.txt", shift=5, class_names=("Car",))
    assert not window.controller.import_ground_truth(other)
    [question] = window.questions
    assert (question.box_count, question.lost_count, question.verified_count) == (3, 3, 0)
    assert question.project == str(sidecar_path(video.path)) and state_of(window.session.document) == before
    assert window.controller.import_ground_truth(question.imported, question.class_map, replace=True)
    assert window.session.document.class_names == ("person", "Car")
    after = state_of(window.session.document)
    window.controller.close()
    again = open_window(video)
    assert state_of(again.session.document) == after
    assert again.session.history.step_count == 1
    again.session.undo()
    assert boxes_of(again) == [
        (0, (0.0, 0.0, 30.0, 40.0)),
        (0, (10.0, 10.0, 40.0, 50.0)),
        (2, (20.0, 20.0, 50.0, 60.0)),
    ]


def test_a_file_that_has_all_boxes_of_the_project_raises_no_question(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    more = imported_boxes(tmp_path / "more.txt", frames=(0, 0, 2, 3))
    assert window.controller.import_ground_truth(more) and window.questions == []
    assert len(window.session.ground_truth) == 4
    window.session.undo()
    assert len(window.session.ground_truth) == 3


def boxes_of(window: ProjectWindow) -> list[tuple[int, tuple[float, ...]]]:
    truth = window.session.ground_truth
    return [(box.frame, box.rect) for frame in range(truth.frame_count) for box in truth.boxes(frame)]


def test_predictions_imported_before_ground_truth_raise_no_question(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    scores = np.array([0.5, 0.6, 0.7])
    window.controller.add_predictions(
        "frcnn", imported_boxes(tmp_path / "det.txt", scores=scores, class_names=("Person",))
    )
    assert window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    assert window.questions == []
    assert window.session.document.class_names == ("person",)
    assert window.session.frame_iou("frcnn", 0) == 1.0


def test_classes_missing_in_the_ground_truth_are_left_out_and_counted(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    mixed = imported_boxes(
        tmp_path / "p.txt", class_ids=np.array([0, 1, 2]), class_names=("PERSON", "dog", "Fußgänger")
    )
    plain = window.controller.add_predictions("plain", mixed)
    mapped = window.controller.add_predictions("mapped", mixed, {"fußgänger": "person"})
    assert (len(plain.predictions.table), plain.predictions.unmapped_count) == (1, 2)
    assert (len(mapped.predictions.table), mapped.predictions.unmapped_count) == (2, 1)


def test_variants_are_restored_with_appearance_and_baseline(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
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


def test_predictions_of_a_running_model_are_saved(
    open_window, video: VideoInfo, qtbot, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("iouviewer.app.projects.autosave.WRITE_INTERVAL_MS", 1)
    window = open_window(video)
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
    requested = project.progress[1]
    qtbot.waitUntil(lambda: project.progress[1] > requested)
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


def test_score_settings_belong_to_the_project(open_window, video: VideoInfo, tmp_path: Path):
    settings = Settings(confidence=0.4)
    window = open_window(video, settings)
    assert window.session.scores.settings.review.conf == 0.4
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    scores = window.session.scores.settings
    inclusive = replace(scores, review=replace(scores.review, convention=Convention.INCLUSIVE, conf=0.9))
    window.session.set_score_settings(inclusive)
    window.controller.set_value("margin", {"ap": 2.0})
    window.controller.close()
    again = open_window(video, settings)
    assert again.session.scores.settings.review == inclusive.review
    assert again.controller.value("margin") == {"ap": 2.0}


def test_if_the_video_folder_cannot_be_written_the_data_folder_is_used_and_reported_once(
    open_window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # A file in place of the folder: root may write to any folder, but not into a file.
    (tmp_path / "disc").write_text("")
    info = video_info(tmp_path / "disc" / "clip.mp4")
    window = open_window(info)
    for number in (1, 2):
        window.session.execute(AddBoxes((Box(number, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    assert window.controller.path is not None
    assert window.controller.path.is_relative_to(folders.data_folder())
    assert len(window.messages) == 1 and str(window.controller.path) in window.messages[0]
    after = state_of(window.session.document)
    window.controller.close()
    assert state_of(open_window(info).session.document) == after


def test_a_moved_video_finds_its_project_by_fingerprint_after_a_question(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    window.controller.close()
    moved = tmp_path / "renamed.mp4"
    video.path.rename(moved)
    again = open_window(replace(video, path=moved))
    assert again.found_projects == [FoundProject(sidecar_path(video.path), str(video.path))]
    assert len(again.session.ground_truth) == 0 and again.session.frame_count == 0
    again.controller.use_found_project(True)
    assert len(again.session.ground_truth) == 1
    assert again.controller.path == sidecar_path(video.path)
    assert again.session.source.path == str(moved)


@pytest.mark.parametrize("count", [5, 12])
def test_a_replaced_video_is_reported_and_the_labels_are_kept(
    open_window, video: VideoInfo, tmp_path: Path, count: int
):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt", frames=(0, 7)))
    window.session.variants.add("base", make_predictions(seed=1))
    window.controller.close()
    again = open_window(replace(video, frame_count=count, fingerprint="other"))
    assert any(f"{count} frames instead of 8" in message for message in again.messages)
    assert len(again.session.ground_truth) == 2
    assert again.session.frame_count == max(count, 8)
    (variant,) = again.session.variants
    assert variant.predictions.frame_count == max(count, 8)
    again.move()
    after = state_of(again.session.document)
    again.controller.close()
    third = open_window(replace(video, frame_count=count, fingerprint="other"))
    assert state_of(third.session.document) == after


def test_a_project_finds_its_video_that_moved_with_it(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    window.controller.close()
    moved = video.path.parent.rename(tmp_path / "archive")
    again = open_window()
    again.controller.open_project(moved / "clip.mp4.iouv")
    assert again.requested_videos == [str(moved / "clip.mp4")]
    assert len(again.session.ground_truth) == 1
    again.controller.open_video_source(replace(video, path=moved / "clip.mp4"))
    assert again.session.source.path == str(moved / "clip.mp4")
    assert len(again.session.ground_truth) == 1
    assert again.messages == []


def test_without_its_video_a_project_asks_and_can_be_edited(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    window.controller.close()
    video.path.unlink()
    again = open_window()
    again.controller.open_project(sidecar_path(video.path))
    assert len(again.missing_videos) == 1 and again.requested_videos == []
    again.move()
    after = state_of(again.session.document)
    again.controller.close()
    third = open_window()
    third.controller.open_project(sidecar_path(video.path))
    assert state_of(third.session.document) == after


def test_the_last_folders_are_searched_for_a_video(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    window.controller.close()
    other = tmp_path / "elsewhere"
    other.mkdir()
    video.path.rename(other / "clip.mp4")
    again = open_window(settings=Settings(last_folders={"video": str(other)}))
    again.controller.open_project(sidecar_path(video.path))
    assert again.requested_videos == [str(other / "clip.mp4")]


def test_a_second_window_shows_a_copy_that_is_deleted_if_it_stays_unchanged(
    open_window, video: VideoInfo, tmp_path: Path
):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    assert window.controller.project is not None and window.controller.project.flush()
    second = open_window(video)
    assert any("another window" in message for message in second.messages)
    assert len(second.session.ground_truth) == 3
    with pytest.raises(UserError, match="another window"):
        second.move()
    copy = second.controller.path
    assert copy is not None and copy.is_relative_to(folders.data_folder())
    second.controller.close()
    assert not copy.exists()
    third = open_window(video)
    third.controller.work_on_copy()
    third.move()
    copy = third.controller.path
    third.controller.close()
    assert copy is not None and copy.exists()
    window.move(3.0)
    assert window.errors == []


def test_a_damaged_project_is_kept_and_salvaged_with_a_report(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    window.move()
    edited = state_of(window.session.document)
    window.controller.close()
    path = sidecar_path(video.path)
    data = bytearray(path.read_bytes())
    data[:4096] = bytes(4096)
    path.write_bytes(data)
    again = open_window(video)
    assert state_of(again.session.document) == edited
    kept = [p for p in path.parent.iterdir() if ".damaged-" in p.name]
    assert len(kept) == 1 and kept[0].read_bytes() == data
    assert any("damaged" in message and "3 boxes" in message for message in again.messages)
    assert not again.controller.import_ground_truth(imported_boxes(tmp_path / "other.txt", shift=1))
    assert len(again.questions) == 1


def test_a_project_file_that_lost_everything_is_never_opened_as_empty(open_window, video: VideoInfo):
    path = sidecar_path(video.path)
    path.write_bytes(b"")
    window = open_window(video)
    assert any(path.name in message for message in window.messages)
    add = AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),))
    with pytest.raises(UserError, match="read-only"):
        window.session.execute(add, "Add")
    assert path.read_bytes() == b"" and window.controller.path is None
    window.controller.start_new()
    window.session.execute(add, "Add")
    assert window.controller.path == path
    [kept] = path.parent.glob("*.damaged-*")
    assert kept.read_bytes() == b""


def test_a_project_that_cannot_be_read_is_tried_again_or_a_new_one_saved_elsewhere(
    open_window, video: VideoInfo, tmp_path: Path
):
    made = open_window(video)
    made.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    made.controller.close()
    path = sidecar_path(video.path)
    good = path.read_bytes()
    path.write_bytes(b"")
    window = open_window(video)
    window.controller.snapshot("nothing")
    assert [str(error) for error in window.errors] == [window.session.read_only]
    path.write_bytes(good)
    window.controller.reopen()
    assert len(window.session.ground_truth) == 3 and not window.notices.all and not window.session.read_only
    window.controller.close()
    path.write_bytes(b"")
    window = open_window(video)
    window.controller.save_as(tmp_path / "new.iouv")
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    window.controller.close()
    assert path.read_bytes() == b""
    again = open_window(video)
    assert again.controller.path == tmp_path / "new.iouv" and len(again.session.ground_truth) == 1


def test_from_a_working_copy_one_goes_back_to_the_project_and_to_the_copy_again(
    open_window, video: VideoInfo, tmp_path: Path, qtbot
):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    assert window.controller.project is not None and window.controller.project.flush()
    second = open_window(video)
    second.session.go_to(2)
    second.controller.work_on_copy()
    second.move()
    copy, moved = second.controller.path, boxes_of(second)
    assert second.controller.safety.original == sidecar_path(video.path)
    window.controller.close()
    second.controller.reopen(sidecar_path(video.path))
    assert second.session.current_frame == 2 and second.controller.path == sidecar_path(video.path)
    assert boxes_of(second) != moved
    qtbot.waitUntil(lambda: second.notices.find(f"copy:{copy}") is not None)
    second.controller.reopen(copy)
    assert boxes_of(second) == moved and second.controller.path == copy
    # The registry still names the project: a copy is never opened in its place.
    second.controller.close()
    assert open_window(video).controller.path == sidecar_path(video.path)


def test_a_path_can_be_chosen_for_the_project(open_window, video: VideoInfo, tmp_path: Path):
    place = tmp_path / "work" / "mine.iouv"
    for expected in (1, 2):
        window = open_window()
        window.controller.set_project_path(place)
        window.controller.open_video_source(video)
        number = window.session.ground_truth.next_id
        window.session.execute(AddBoxes((Box(number, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
        assert window.controller.path == place
        assert len(window.session.ground_truth) == expected
        window.controller.close()


def test_snapshots_are_created_beside_the_project_and_reported(open_window, video: VideoInfo, qtbot):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    with qtbot.waitSignal(window.controller.snapshotCreated) as made:
        window.controller.snapshot("before lunch")
    assert Path(made.args[0]).name == "before lunch.iouv"
    opened = ProjectFile.open(Path(made.args[0]))
    assert opened.step_count == 1
    opened.close()


def test_work_can_be_saved_elsewhere_if_the_project_file_is_gone(open_window, video: VideoInfo, tmp_path: Path, qtbot):
    window = open_window(video)
    window.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add 1")
    project = window.controller.project
    assert project is not None and project.flush()
    project.path.unlink()
    window.session.execute(AddBoxes((Box(2, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add 2")
    qtbot.waitUntil(lambda: len(window.errors) == 1)
    window.controller.save_as(tmp_path / "rescued.iouv")
    after = state_of(window.session.document)
    window.controller.close()
    again = open_window()
    again.controller.open_project(tmp_path / "rescued.iouv")
    assert state_of(again.session.document) == after
    opened = again.controller.project
    assert opened is not None and opened.step_count == 2


def test_frames_that_are_indexed_later_are_added(open_window, video: VideoInfo, tmp_path: Path):
    window = open_window(video)
    window.controller.import_ground_truth(imported_boxes(tmp_path / "gt.txt"))
    window.session.variants.add("base", make_predictions(seed=1))
    window.controller.update_video(replace(video, frame_count=20, index_digest="final"))
    assert window.session.frame_count == 20
    window.session.execute(AddBoxes((Box(50, 19, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    after = state_of(window.session.document)
    window.controller.close()
    assert state_of(open_window(replace(video, frame_count=20)).session.document)["classes"] == after["classes"]


def test_scores_of_real_footage_are_the_same_after_reopening_the_project(
    open_window, video: VideoInfo, shared_data: Path
):
    folder = shared_data / "pets09"
    info = replace(video, frame_count=795, size=(768, 576))
    context = ReadContext(frame_count=795, size=(768, 576))
    window = open_window(info)
    truth = read_boxes(folder / "gt.txt", replace(context, kind=ImportKind.GROUND_TRUTH))
    window.controller.import_ground_truth(truth)
    found = read_boxes(folder / "det_frcnn.txt", replace(context, kind=ImportKind.PREDICTIONS))
    window.controller.add_predictions("frcnn", found)
    after = state_of(window.session.document)
    window.controller.close()
    again = open_window(info)
    assert state_of(again.session.document) == after
    (variant,) = again.session.variants
    summary = again.session.scores.summary(variant.key)
    assert (summary.tp, summary.fp, summary.fn) == (3506, 812, 970)
    assert summary.avg_iou == pytest.approx(0.578275, abs=1e-6)
    assert summary.pq == pytest.approx(0.533380, abs=1e-6)
