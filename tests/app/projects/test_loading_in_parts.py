"""Large projects are shown in parts: boxes can be edited before the predictions are there, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.app.jobs.session_inputs import read_session
from iouviewer.app.projects import loading
from iouviewer.app.projects.loading import LoadStep
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes, SetVariants
from iouviewer.errors import UserError
from iouviewer.project import rows, variant_rows
from iouviewer.project.contents import ProjectContents
from iouviewer.project.partial_load import FrameBoxes
from iouviewer.project.schema import connect
from iouviewer.project.store import ProjectFile
from tests.app.builders import ProjectWindow, imported_boxes, video_info
from tests.document.builders import bits_of, make_document, make_predictions, make_variant, state_of

pytestmark = pytest.mark.usefixtures("qapp")

NEW_BOX = Box(90, 2, (1.0, 2.0, 30.0, 40.0))


class Gate:
    """Holds the reading of variants in parts until it is opened; checks of whole files pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._open = threading.Semaphore(0)
        read = variant_rows.read_variant

        def wait_and_read(*args):
            assert threading.current_thread().name != "project" or self._open.acquire(timeout=20)
            return read(*args)

        monkeypatch.setattr(variant_rows, "read_variant", wait_and_read)

    def let(self, count: int = 1) -> None:
        """Let so many variants through."""
        self._open.release(count)

    def let_soon(self) -> None:
        """Let all through while this thread waits for the one that reads."""
        threading.Timer(0.2, self._open.release, (100,)).start()


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAX_SYNCHRONOUS_BYTES", -1)
    monkeypatch.setattr(loading, "MIN_BYTES_IN_PARTS", 0)
    monkeypatch.setattr(rows, "ROWS_PER_READ", 2)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(monkeypatch)
    yield gate
    gate.let(100)


@pytest.fixture
def video(tmp_path: Path) -> VideoInfo:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"film")
    return video_info(path)


@pytest.fixture
def window(video: VideoInfo) -> Iterator[ProjectWindow]:
    """A window whose video has a project with three variants."""
    make_project(video)
    window = ProjectWindow()
    yield window
    window.controller.close()


def path_of(video: VideoInfo) -> Path:
    return Path(f"{video.path}.iouv")


def make_project(video: VideoInfo) -> None:
    window = ProjectWindow()
    window.controller.open_video_source(video)
    window.controller.import_ground_truth(imported_boxes(Path("gt.txt")))
    for seed, name in enumerate(("one", "two", "three"), start=1):
        window.session.variants.add(name, make_predictions(seed=seed))
    window.session.variants.set_baseline(names_of(window)["two"])
    window.controller.close()
    assert window.errors == []


def names_of(window: ProjectWindow) -> dict[str, str]:
    """Key of each variant in the session by name, in order."""
    return {variant.name: variant.key for variant in window.session.variants}


def contents_of(path: Path) -> ProjectContents:
    with closing(ProjectFile.open(path)) as project:
        return project.load()


def test_boxes_come_first_and_variants_one_by_one_and_all_is_as_a_whole_load(
    qtbot, video: VideoInfo, window: ProjectWindow, gate: Gate
):
    whole = contents_of(path_of(video))
    first: list[FrameBoxes] = []
    steps: list[LoadStep] = []
    window.controller.frameRead.connect(first.append)
    window.controller.loadProgress.connect(steps.append)
    with qtbot.waitSignal(window.controller.boxesShown, timeout=10_000):
        window.controller.open_video_source(video)
    session = window.session
    assert [box.id for box in first[0].boxes] == [box.id for box in whole.document.ground_truth().boxes(0)]
    assert state_of(session.document) == state_of(whole.document)
    assert session.variants.is_loading and len(session.variants) == 0
    qtbot.waitUntil(lambda: bool(steps[-1].variant))
    assert steps[-1].text == "Loading predictions of two… 1 of 3"
    assert any(step.text == "Loading boxes… 100 %, then predictions" for step in steps)
    assert [notice.mark for notice in window.notices.all] == ["Loading predictions, 1 of 3"]
    for count, expected in enumerate((["two"], ["one", "two"], ["one", "two", "three"]), start=1):
        gate.let()
        qtbot.waitUntil(lambda count=count: len(session.variants) == count)
        assert list(names_of(window)) == expected
        assert session.variants.baseline is not None and session.variants.baseline.name == "two"
    qtbot.waitUntil(lambda: not session.variants.is_loading)
    assert window.notices.all == ()
    assert [v.key for v in session.variants] == [v.key for v in whole.variants]
    for shown, stored in zip(session.variants, whole.variants, strict=True):
        assert bits_of(shown.predictions) == bits_of(stored.predictions)
        assert (shown.name, shown.colour, shown.state) == (stored.name, stored.colour, stored.state)
    window.controller.close()
    assert window.errors == []
    assert bits(contents_of(path_of(video))) == bits(whole)


def bits(contents: ProjectContents) -> object:
    variants = [(v.key, v.name, v.colour, v.visible, bits_of(v.predictions)) for v in contents.variants]
    return state_of(contents.document), variants, contents.baseline, contents.settings


def begin(qtbot, window: ProjectWindow, video: VideoInfo) -> None:
    """Open the video until its boxes are shown."""
    with qtbot.waitSignal(window.controller.boxesShown, timeout=10_000):
        window.controller.open_video_source(video)


def test_edits_while_predictions_are_loaded_are_in_the_file(qtbot, video: VideoInfo, window: ProjectWindow, gate: Gate):
    before = contents_of(path_of(video))
    begin(qtbot, window, video)
    window.session.execute(AddBoxes((NEW_BOX,)), "Add")
    assert not window.session.save_state.is_saved
    gate.let(3)
    qtbot.waitUntil(lambda: window.session.save_state.is_saved, timeout=10_000)
    window.controller.close()
    after = contents_of(path_of(video))
    assert after.document.ground_truth().find(90) == NEW_BOX
    assert [bits_of(v.predictions) for v in after.variants] == [bits_of(v.predictions) for v in before.variants]
    assert window.errors == []


def test_closing_while_predictions_are_loaded_keeps_the_edits_and_all_predictions(
    qtbot, video: VideoInfo, window: ProjectWindow, gate: Gate
):
    before = contents_of(path_of(video))
    begin(qtbot, window, video)
    window.session.execute(AddBoxes((NEW_BOX,)), "Add")
    gate.let(1)
    gate.let_soon()
    window.controller.close()
    assert window.errors == []
    after = contents_of(path_of(video))
    assert after.document.ground_truth().find(90) == NEW_BOX
    assert [bits_of(v.predictions) for v in after.variants] == [bits_of(v.predictions) for v in before.variants]


def test_closing_without_edits_leaves_the_file_as_it_is(qtbot, video: VideoInfo, window: ProjectWindow, gate: Gate):
    before = path_of(video).read_bytes()
    begin(qtbot, window, video)
    gate.let(1)
    gate.let_soon()
    window.controller.close()
    assert path_of(video).read_bytes() == before and window.errors == []


def test_variants_cannot_be_changed_until_all_are_there_and_no_list_without_the_others_is_saved(
    qtbot, video: VideoInfo, window: ProjectWindow, gate: Gate
):
    begin(qtbot, window, video)
    gate.let(1)
    qtbot.waitUntil(lambda: len(window.session.variants) == 1)
    variants = window.session.variants
    (key,) = names_of(window).values()
    for change in (
        lambda: variants.add("new", make_predictions()),
        lambda: variants.remove(key),
        lambda: window.session.execute(SetVariants(removed=(key,)), "Remove"),
        lambda: window.session.execute(SetVariants(looks=((key, "other", "#ff0000"),)), "Rename"),
        lambda: read_session(window.session, {}),
        lambda: window.controller.save_as(path_of(video).with_name("other.iouv")),
    ):
        with pytest.raises(UserError, match="still being loaded"):
            change()
    assert not path_of(video).with_name("other.iouv").exists()
    variants.update(key, visible=False)
    gate.let(2)
    qtbot.waitUntil(lambda: not variants.is_loading)
    variants.add("new", make_predictions())
    window.controller.close()
    after = contents_of(path_of(video))
    assert [v.name for v in after.variants] == ["one", "two", "three", "new"]
    assert [v.visible for v in after.variants] == [True, False, True, True]
    assert window.errors == []


def test_a_video_with_other_frames_waits_for_the_whole_project(
    qtbot, video: VideoInfo, window: ProjectWindow, gate: Gate
):
    whole = contents_of(path_of(video))
    longer = video_info(video.path, frame_count=9, fingerprint="fingerprint-2")
    shown: list[bool] = []
    window.controller.boxesShown.connect(lambda: shown.append(True))
    with qtbot.waitSignal(window.controller.ready, timeout=10_000):
        window.controller.open_video_source(longer)
        assert window.session.frame_count == 0
        gate.let(3)
    assert not shown and window.session.frame_count == 9
    assert [v.name for v in window.session.variants] == [v.name for v in whole.variants]
    assert all(v.predictions.frame_count == 9 for v in window.session.variants)
    assert window.session.frame_iou("one", 0) == window.session.frame_iou("one", 0)  # scored: not nan
    window.controller.close()
    assert window.errors == []


def test_a_video_that_turns_out_longer_meanwhile_is_bound_when_all_is_there(
    qtbot, video: VideoInfo, window: ProjectWindow, gate: Gate
):
    begin(qtbot, window, video)
    gate.let(1)
    window.controller.update_video(video_info(video.path, frame_count=9))
    assert window.session.frame_count == 8
    with qtbot.waitSignal(window.controller.ready, timeout=10_000):
        gate.let(2)
    assert window.session.frame_count == 9
    assert all(v.predictions.frame_count == 9 for v in window.session.variants)


def test_another_video_meanwhile_closes_the_first_project_whole(
    qtbot, tmp_path: Path, video: VideoInfo, window: ProjectWindow, gate: Gate
):
    whole = contents_of(path_of(video))
    begin(qtbot, window, video)
    other = tmp_path / "other.mp4"
    other.write_bytes(b"other")
    gate.let(1)
    gate.let_soon()
    with qtbot.waitSignal(window.controller.ready, timeout=10_000):
        window.controller.open_video_source(video_info(other, fingerprint="fingerprint-9"))
    assert not window.session.variants.is_loading and len(window.session.variants) == 0
    assert len(window.session.ground_truth) == 0
    assert bits(contents_of(path_of(video))) == bits(whole)
    assert window.errors == []


def test_a_project_that_another_window_has_open_is_shown_in_parts_and_stays_read_only(
    qtbot, video: VideoInfo, window: ProjectWindow, gate: Gate
):
    with closing(ProjectFile.open(path_of(video))):
        begin(qtbot, window, video)
        assert window.session.read_only
        with pytest.raises(UserError):
            window.session.execute(AddBoxes((NEW_BOX,)), "Add")
        with qtbot.waitSignal(window.controller.ready, timeout=10_000):
            gate.let(3)
        assert window.session.read_only and len(window.session.variants) == 3
        window.controller.close()


def test_predictions_that_are_damaged_are_told_before_boxes_can_be_edited(
    qtbot, video: VideoInfo, window: ProjectWindow, gate: Gate
):
    with closing(connect(path_of(video))) as connection:
        key, data = connection.execute("SELECT variant, data FROM prediction_chunks LIMIT 1").fetchone()
        changed = bytes([*data[:40], data[40] ^ 1, *data[41:]])
        connection.execute("UPDATE prediction_chunks SET data = ? WHERE variant = ?", (changed, key))
    gate.let(3)
    with qtbot.waitSignal(window.controller.ready, timeout=10_000):
        window.controller.open_video_source(video)
    assert any("was damaged and is kept as" in notice.text for notice in window.notices.all)
    assert len(window.session.ground_truth) > 0 and len(window.session.variants) == 3


def test_predictions_that_cannot_be_read_later_leave_the_edits_and_the_others_and_are_told(
    qtbot, video: VideoInfo, window: ProjectWindow, monkeypatch: pytest.MonkeyPatch
):
    read, proceed = variant_rows.read_variant, threading.Event()

    def fail(connection, row, frame_count):
        proceed.wait(10)
        if row[2] == "three":
            raise rows.DamagedRowsError("the disk returned something else")
        return read(connection, row, frame_count)

    monkeypatch.setattr(variant_rows, "read_variant", fail)
    begin(qtbot, window, video)
    window.session.execute(AddBoxes((NEW_BOX,)), "Add")
    proceed.set()
    qtbot.waitUntil(lambda: window.session.save_state.is_saved, timeout=10_000)
    assert any("the disk returned something else" in notice.text for notice in window.notices.all)
    window.controller.close()
    monkeypatch.setattr(variant_rows, "read_variant", read)
    after = contents_of(path_of(video))
    assert after.document.ground_truth().find(90) == NEW_BOX
    assert [variant.name for variant in after.variants] == ["one", "two"]
    kept = [path for path in path_of(video).parent.iterdir() if "damaged" in path.name]
    assert len(kept) == 1 and len(contents_of(kept[0]).variants) == 3


def test_a_project_without_variants_is_whole_at_once(qtbot, tmp_path: Path, video: VideoInfo):
    window = ProjectWindow()
    window.controller.open_video_source(video)
    window.controller.import_ground_truth(imported_boxes(Path("gt.txt")))
    window.controller.close()
    again = ProjectWindow()
    with qtbot.waitSignal(again.controller.ready, timeout=10_000):
        again.controller.open_video_source(video)
    again.session.execute(AddBoxes((NEW_BOX,)), "Add")
    qtbot.waitUntil(lambda: again.session.save_state.is_saved, timeout=10_000)
    again.controller.close()
    assert again.errors == [] and contents_of(path_of(video)).document.ground_truth().find(90) == NEW_BOX


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40), st.booleans()), max_size=4), st.integers(0, 3))
def test_parts_are_the_whole(tmp_path_factory, found, baseline):
    """Property: the document and the variants of a file read in parts are those of the file read at once."""
    path = tmp_path_factory.mktemp("parts") / "a.iouv"
    variants = [
        make_variant(f"k{place}", f"n{seed} {place}", make_predictions(seed=seed, boxes=boxes if has_boxes else 0))
        for place, (seed, boxes, has_boxes) in enumerate(found)
    ]
    chosen = f"k{baseline}" if baseline < len(variants) else ""
    ProjectFile.create(path, make_document(), variants=variants, baseline=chosen).close()
    whole = contents_of(path)
    with closing(ProjectFile.open(path)) as project, project.begin_load() as part:
        first = part.read_frame(1)
        read = part.read_document(verify=True)
        assert read.variants == ()
        order = []
        for variant in part.read_variants():
            order.append(variant)
        part.finish()
    assert first is not None and first.boxes == whole.document.ground_truth().boxes(1)
    assert bits(read.with_variants(order)) == bits(whole)
    assert not order or order[0].key == whole.baseline


def test_a_frame_whose_boxes_are_not_those_that_were_saved_is_not_shown_first(tmp_path: Path):
    path = tmp_path / "a.iouv"
    ProjectFile.create(path, make_document()).close()
    with closing(ProjectFile.open(path)) as project, project.begin_load() as part:
        shown = part.read_frame(1)
        assert shown is not None and shown.boxes
        assert part.read_frame(10_000) is None
    with closing(connect(path)) as connection:
        connection.execute("DELETE FROM boxes WHERE id = ?", (shown.boxes[0].id,))
    with closing(ProjectFile.open(path)) as project, project.begin_load() as part:
        assert part.read_frame(1) is None
