"""Labels on frames with barcodes stay on these frames when the video is renumbered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.video_info import info_of, info_with
from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes, FrameState
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.project.store import ProjectFile
from iouviewer.video import open_video
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.index import build_index
from iouviewer.video.index_builder import final_packets
from iouviewer.video.index_cache import index_path, save_index
from iouviewer.video.reader import VideoReader
from tests.app.builders import ProjectWindow
from tests.document.builders import state_of
from tests.video.clip_builder import DAMAGED_CLIPS, ClipSpec, make_video, read_barcode

pytestmark = pytest.mark.usefixtures("qapp")


def behead(share: float) -> Callable[[Path], None]:
    """Let a transport stream begin within a GOP: its first frames have packets but cannot be decoded."""

    def change(path: Path) -> None:
        data = path.read_bytes()
        path.write_bytes(data[int(len(data) * share) // 188 * 188 :])

    return change


CLIPS = {
    "begins_within.ts": ClipSpec(bframes=2, postprocess=behead(0.14)),
    "cut.mp4": DAMAGED_CLIPS["cut.mp4"],
    "damaged.avi": DAMAGED_CLIPS["damaged.avi"],
}


class BarcodeWindow(ProjectWindow):
    """A window whose boxes remember the barcode of their frame."""

    def import_boxes(self, codes: dict[int, int], *, scores: bool = False) -> None:
        """One box per frame whose left edge is the barcode of the frame."""
        n = len(codes)
        left = np.array(list(codes.values()), np.float64) + 1
        imported = ImportedBoxes(
            Path("boxes.txt"),
            "mot",
            ImportKind.PREDICTIONS if scores else ImportKind.GROUND_TRUTH,
            np.array(list(codes), np.int64),
            np.array([left, np.full(n, 5.0), left + 20, np.full(n, 25.0)]),
            np.full(n, -1),
            (),
            np.full(n, 0.5) if scores else None,
            np.full(n, -1),
            np.zeros(n, np.int64),
        )
        if scores:
            self.controller.add_predictions("model", imported)
        else:
            self.controller.import_ground_truth(imported)

    def codes_by_frame(self) -> dict[int, int]:
        """Barcodes stored in the ground-truth boxes, by frame."""
        truth = self.session.ground_truth
        return {f: int(box.rect[0]) - 1 for f in range(truth.frame_count) for box in truth.boxes(f)}

    def predicted_codes(self) -> dict[int, int]:
        """Barcodes stored in the boxes of the only variant, by frame."""
        (variant,) = self.session.variants
        table = variant.predictions.table
        return dict(zip(table.frame_of_row().tolist(), (table.boxes[0] - 1).astype(int).tolist(), strict=True))


@pytest.fixture
def window() -> Iterator[Callable[[], BarcodeWindow]]:
    made: list[BarcodeWindow] = []

    def make() -> BarcodeWindow:
        made.append(BarcodeWindow())
        return made[-1]

    yield make
    for one in made:
        one.controller.close()


def codes_of(reader: VideoReader) -> dict[int, int]:
    """Barcodes of the frames that can be decoded, by frame."""
    codes = {}
    for frame in range(reader.frame_count):
        try:
            code = read_barcode(reader.read(frame))
        except UserError:
            continue
        if code >= 0:
            codes[frame] = code
    return codes


@pytest.fixture(params=CLIPS)
def clip(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return make_video(tmp_path / request.param, CLIPS[request.param])


@pytest.fixture
def provisional(clip: Path) -> Iterator[VideoReader]:
    reader = open_video(clip, resolve_order=False)
    assert isinstance(reader, VideoReader)
    assert not reader.numbers_final
    yield reader
    reader.close()


def missing_and_final(reader: VideoReader, true_codes: dict[int, int]) -> tuple[set[int], int]:
    """Provisional numbers of frames that do not exist, and the final number of frames."""
    confirmed = run_decode_check(reader.path, reader.index)
    assert confirmed is not None
    assert set(true_codes) <= set(range(confirmed.frame_count))
    numbers = reader.index.renumbering(confirmed)
    return set(np.flatnonzero(numbers < 0).tolist()), confirmed.frame_count


def confirm(reader: VideoReader):
    """The checked index, saved in the cache folder, and the video's properties with it."""
    info = info_of(reader)
    index = run_decode_check(reader.path, reader.index)
    assert index is not None
    save_index(index, info.fingerprint, reader.path, reader.stamp)
    return index, info_with(info, index)


def true_codes_of(clip: Path) -> dict[int, int]:
    reader = open_video(clip)
    assert reader.numbers_final and isinstance(reader, VideoReader)
    codes = codes_of(reader)
    reader.close()
    return codes


def test_labels_and_predictions_move_with_their_frames(clip: Path, provisional: VideoReader, window):
    labelled = codes_of(provisional)
    win = window()
    win.controller.open_video_source(info_of(provisional))
    count = win.session.frame_count
    phantom = {frame: 900 + frame for frame in range(count) if frame not in labelled}
    win.import_boxes({**labelled, **phantom})
    win.import_boxes({**labelled, **phantom}, scores=True)
    number = win.session.ground_truth.next_id
    last = max(labelled)
    win.session.execute(AddBoxes((Box(number, last, (1.0, 50.0, 21.0, 70.0)),)), "Add")
    win.session.go_to(last)
    x_before = win.session.ground_truth.boxes(last)

    _index, info = confirm(provisional)
    win.controller.update_video(info)
    true = true_codes_of(clip)
    missing, final_count = missing_and_final(provisional, true)
    assert missing, "no frame of this clip is renumbered: it tests nothing"
    found, predicted = {}, win.predicted_codes()
    for frame in range(win.session.frame_count):
        for box in win.session.ground_truth.boxes(frame):
            if box.id != number:
                found[frame] = int(box.rect[0]) - 1
    assert found == predicted
    for frame, code in found.items():
        if frame in true and code < 900:
            assert code == true[frame]
    # All boxes exist; those of missing frames are at the end.
    assert sorted(found.values()) == sorted([*labelled.values(), *phantom.values()])
    assert [frame for frame in found if frame >= final_count] == list(range(final_count, final_count + len(missing)))
    assert win.session.frame_count == final_count + len(missing)
    (variant,) = win.session.variants
    assert not variant.predictions.covered[final_count:].any() and variant.predictions.covered[:final_count].all()
    # The current frame was renumbered too, and undo finds its box there.
    here = win.session.current_frame
    assert [box.rect for box in win.session.ground_truth.boxes(here)] == [box.rect for box in x_before]
    win.session.undo()
    assert win.session.ground_truth.find(number) is None
    (message,) = [text for text in win.messages if "Frame numbers of" in text]
    assert f"{len(missing)} frame" in message and f"{final_count}" in message
    state = state_of(win.session.document)
    win.controller.close()

    again = window()
    reader = open_video(clip)
    again.controller.open_video_source(info_of(reader))
    reader.close()
    # The average rate may be rounded differently; everything else is unchanged.
    assert state_of(again.session.document)["sources"][0][1:] == state["sources"][0][1:]
    assert again.session.source.frame_count == win.session.source.frame_count
    assert again.messages == [] and again.errors == []
    again.session.redo()
    again.session.redo()
    assert again.session.ground_truth.find(number) is not None
    assert again.session.ground_truth.boxes(here)[-1].id == number


def test_a_project_created_with_provisional_numbers_is_renumbered_when_it_is_opened_later(clip, provisional, window):
    labelled = codes_of(provisional)
    win = window()
    win.controller.open_video_source(info_of(provisional))
    win.import_boxes(labelled)
    win.controller.close()
    confirm(provisional)

    again = window()
    reader = open_video(clip)
    info = info_of(reader)
    again.controller.open_video_source(info)
    true = true_codes_of(clip)
    reader.close()
    found = again.codes_by_frame()
    assert {frame: code for frame, code in found.items() if frame in true} == {
        frame: code for frame, code in true.items() if code in labelled.values()
    }
    assert sorted(found.values()) == sorted(labelled.values())
    assert again.session.source.index_digest == info.index_digest
    state = state_of(again.session.document)
    again.controller.close()
    project = ProjectFile.open(Path(f"{clip}.iouv"))
    contents = project.load()
    project.close()
    assert state_of(contents.document) == state
    stored = contents.document.numbering()
    assert stored is not None and stored.digest == info.index_digest


def test_without_the_cached_index_a_project_returns_to_provisional_numbers_and_back(clip, provisional, window):
    labelled = codes_of(provisional)
    win = window()
    win.controller.open_video_source(info_of(provisional))
    win.import_boxes(labelled)
    before = win.codes_by_frame()
    _index, true_info = confirm(provisional)
    win.controller.update_video(true_info)
    after = win.codes_by_frame()
    win.controller.close()
    index_path(true_info.fingerprint).unlink()

    again = window()
    reader = open_video(clip, resolve_order=False)
    again.controller.open_video_source(info_of(reader))
    reader.close()
    assert again.codes_by_frame() == before
    again.controller.update_video(true_info)
    assert again.codes_by_frame() == after


def test_loader_and_controller_renumber_frames_together(tmp_path: Path, window, qtbot):
    clip = make_video(tmp_path / "begins_within.ts", CLIPS["begins_within.ts"])
    win = window()
    loader = FrameLoader()
    try:
        loader.opened.connect(win.controller.open_video_source)
        confirmed = []
        loader.numbersConfirmed.connect(confirmed.append)
        loader.open(clip)
        qtbot.waitUntil(lambda: win.session.frame_count > 0, timeout=10_000)
        count = win.session.frame_count
        win.import_boxes({frame: frame for frame in range(count)})
        qtbot.waitUntil(lambda: bool(confirmed), timeout=10_000)
        win.controller.update_video(confirmed[0].info)
    finally:
        loader.close()
    renumbering = confirmed[0].renumbering
    final_count = confirmed[0].info.frame_count
    found = win.codes_by_frame()
    assert {frame: code for frame, code in found.items() if frame < final_count} == {
        int(new): old for old, new in enumerate(renumbering.tolist()) if new >= 0
    }
    assert len(found) == count


def test_an_import_that_labels_every_frame_also_labels_frames_found_later(tmp_path: Path, window):
    clip = make_video(tmp_path / "long.mp4", ClipSpec(frames=90, gop=15, bframes=2))
    reader = open_video(clip)
    assert isinstance(reader, VideoReader)
    packets = reader.index.packets
    whole = info_of(reader)
    known = final_packets(type(packets)(*(getattr(packets, name)[:40] for name in packets.__dataclass_fields__)))
    part = info_with(whole, build_index(known, reader.index.time_base, complete=False))
    reader.close()
    win = window()
    win.controller.open_video_source(part)
    first = win.session.frame_count
    assert 0 < first < 90
    win.import_boxes({0: 0, 3: 3})
    win.import_boxes({0: 0, 3: 3}, scores=True)
    assert (win.session.ground_truth.states() == FrameState.LABELLED).all()
    win.controller.update_video(whole)
    assert win.session.frame_count == 90
    assert (win.session.ground_truth.states() == FrameState.LABELLED).all()
    (variant,) = win.session.variants
    assert variant.predictions.covered.all()
    assert win.messages == []
    state = state_of(win.session.document)
    win.controller.close()
    # While the file is indexed again, the project knows more frames than the video.
    again = window()
    again.controller.open_video_source(part)
    assert again.session.frame_count == 90
    again.controller.update_video(whole)
    assert state_of(again.session.document) == state
    (variant,) = again.session.variants
    assert variant.predictions.covered.all()
    assert again.messages == []


def test_replacing_ground_truth_by_such_an_import_is_undone_for_later_frames_too(tmp_path: Path, window):
    clip = make_video(tmp_path / "long.mp4", ClipSpec(frames=60, gop=15))
    reader = open_video(clip)
    whole = info_of(reader)
    reader.close()
    assert whole.numbering is not None
    numbering = replace(
        whole.numbering,
        **{name: getattr(whole.numbering, name)[:20] for name in ("stamps", "occurrences", "packets", "repeats")},
        digest="part",
        video_frame_count=20,
        complete=False,
    )
    win = window()
    win.controller.open_video_source(
        replace(whole, frame_count=20, index_digest="part", complete=False, numbering=numbering)
    )
    win.session.execute(AddBoxes((Box(1, 2, (1.0, 2.0, 30.0, 40.0)),)), "Add")
    unlabelled = win.session.ground_truth.states().copy()
    win.import_boxes({0: 0})
    questions: list[object] = []
    win.controller.replaceConfirmationRequested.connect(questions.append)
    imported = ImportedBoxes(
        Path("all.txt"), "mot", ImportKind.GROUND_TRUTH, np.array([4]), np.array([[1.0], [2.0], [9.0], [9.0]]),
        np.array([-1]), (), None, np.array([-1]), np.array([0]),
    )  # fmt: skip
    assert win.controller.import_ground_truth(imported, replace=True)
    win.controller.update_video(whole)
    assert (win.session.ground_truth.states() == FrameState.LABELLED).all()
    win.session.go_to(win.session.history.undo_step().frame)
    win.session.undo()
    states = win.session.ground_truth.states()
    assert states[:20].tolist() == unlabelled.tolist() and (states[20:] == FrameState.UNLABELLED).all()
    state = state_of(win.session.document)
    win.controller.close()
    again = window()
    again.controller.open_video_source(whole)
    assert state_of(again.session.document) == state
    again.session.go_to(again.session.history.redo_step().frame)
    again.session.redo()
    assert (again.session.ground_truth.states() == FrameState.LABELLED).all()


def test_another_file_of_the_same_name_renumbers_nothing(tmp_path: Path, window):
    clip = make_video(tmp_path / "clip.ts", CLIPS["begins_within.ts"])
    reader = open_video(clip)
    info = info_of(reader)
    reader.close()
    win = window()
    win.controller.open_video_source(info)
    win.import_boxes({frame: frame for frame in range(info.frame_count)})
    before = win.codes_by_frame()
    win.controller.close()
    make_video(clip, ClipSpec(frames=30, stamps=lambda number: number + 9, format="mpegts"))
    again = window()
    reader = open_video(clip)
    again.controller.open_video_source(info_of(reader))
    reader.close()
    assert again.codes_by_frame() == before
    assert any("not the file that was labelled" in text for text in again.messages)
