"""MOTChallenge text in the layouts of MOT15, MOT17 and of detectors and trackers."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, detect, read_boxes, unsupported_fields, write_boxes
from tests.formats.helpers import boxes_from_import, boxes_to_write, rects

MOT17_GT = "1,1,912,484,97,109,0,7,1\n2,1,912,484,97,109,1,1,0.5\n2,2,10.5,20.25,30,40,1,1,0\n"
MOT15_GT = "1,9,499,158,31.03,75.17,1,-4.1554,-7.3591,0\n1,15,258,219,32.913,88.702,0,-11.306,-5.5995,0\n"
DET = "1,-1,649.441,231.502,44.417,86.13,0.995474,-1,-1,-1\n3,-1,5,6,7,8,12.5,-1,-1,-1\n"


def write_file(folder, text, name="gt.txt"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_has_no_boxes(tmp_path):
    read = read_boxes(write_file(tmp_path, ""))
    assert len(read) == 0
    assert read.boxes.shape == (4, 0)
    assert read.kind is ImportKind.GROUND_TRUTH


def test_empty_predictions_count_as_scored(tmp_path):
    read = read_boxes(write_file(tmp_path, "", "base.txt"), ReadContext(kind=ImportKind.PREDICTIONS))
    assert read.scores.shape == (0,)


def test_rows_of_six_columns_have_no_scores(tmp_path):
    read = read_boxes(write_file(tmp_path, "1,-1,5,6,7,8\n", "base.txt"))
    assert (read.kind, read.scores) == (ImportKind.PREDICTIONS, None)


def test_a_file_of_comments_and_blank_lines_has_no_boxes(tmp_path):
    assert len(read_boxes(write_file(tmp_path, "# nothing here\n\n"))) == 0


def test_mot17_ground_truth_has_flags_classes_and_frames_from_one(tmp_path):
    read = read_boxes(write_file(tmp_path, MOT17_GT))
    assert read.kind is ImportKind.GROUND_TRUTH
    assert read.frames.tolist() == [0, 1, 1]
    assert rects(read)[2] == (10.5, 20.25, 40.5, 60.25)
    assert read.track_ids.tolist() == [1, 1, 2]
    assert [read.class_names[i] for i in read.class_ids] == ["7", "1", "1"]
    assert [bool(f & BoxFlag.IGNORED) for f in read.flags] == [True, False, False]
    assert [bool(f & BoxFlag.OCCLUDED) for f in read.flags] == [False, False, True]
    assert read.scores is None


def test_mot17_classes_are_named_by_the_sequence_name(tmp_path):
    write_file(tmp_path, "[Sequence]\nname=MOT17-02\nseqLength=600\nimWidth=1920\nimHeight=1080\n", "seqinfo.ini")
    read = read_boxes(write_file(tmp_path, MOT17_GT, "gt/gt.txt"))
    assert [read.class_names[i] for i in read.class_ids] == ["static person", "pedestrian", "pedestrian"]
    assert read.frame_count == 600
    assert read.size == (1920, 1080)
    assert read.labelled.tolist() == list(range(600))


def test_mot15_ground_truth_has_world_coordinates_and_no_class(tmp_path):
    read = read_boxes(write_file(tmp_path, MOT15_GT, "sequence.txt"))
    assert read.kind is ImportKind.GROUND_TRUTH
    assert read.class_names == ()
    assert read.class_ids.tolist() == [-1, -1]
    assert read.flags.tolist() == [0, BoxFlag.IGNORED]


def test_detections_are_recognised_by_their_ids_and_keep_scores_above_one(tmp_path):
    read = read_boxes(write_file(tmp_path, DET, "result.txt"))
    assert read.kind is ImportKind.PREDICTIONS
    assert read.scores.tolist() == [0.995474, 12.5]
    assert read.track_ids.tolist() == [-1, -1]
    assert read.flags.tolist() == [0, 0]
    assert read.labelled is None


def test_a_tracker_result_has_ids_and_confidences(tmp_path):
    read = read_boxes(write_file(tmp_path, "1,4,5,6,7,8,0.9,-1,-1,-1\n", "MOT17-02.txt"))
    assert read.kind is ImportKind.PREDICTIONS
    assert read.track_ids.tolist() == [4]


def test_an_ambiguous_file_has_an_unknown_kind_until_the_user_decides(tmp_path):
    path = write_file(tmp_path, "1,4,5,6,7,8,1,-1,-1,-1\n", "tracks.txt")
    assert read_boxes(path).kind is ImportKind.UNKNOWN
    assert read_boxes(path, ReadContext(kind=ImportKind.PREDICTIONS)).kind is ImportKind.PREDICTIONS
    assert read_boxes(path, ReadContext(kind=ImportKind.PREDICTIONS)).scores.tolist() == [1.0]


@pytest.mark.parametrize(("base", "expected"), [(None, [0, 1]), (0, [0, 1])])
def test_a_frame_zero_means_that_frames_start_at_zero(tmp_path, base, expected):
    path = write_file(tmp_path, "0,1,5,6,7,8,1,1,1\n1,1,5,6,7,8,1,1,1\n")
    read = read_boxes(path, ReadContext(frame_base=base))
    assert read.frames.tolist() == expected
    assert base is not None or any("start at 0" in note for note in read.notes)


def test_frames_before_a_given_base_are_refused(tmp_path):
    read = read_boxes(write_file(tmp_path, "0,1,5,6,7,8,1,1,1\n1,1,5,6,7,8,1,1,1\n"), ReadContext(frame_base=1))
    assert read.frames.tolist() == [0]
    assert str(read.refused[0]).endswith("gt.txt:1: frame 0 is before the first frame, 1")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,1,nan,6,7,8,1,1,1", "not a finite number"),
        ("1,1,5,6,inf,8,1,1,1", "not a finite number"),
        ("1,1,5,6,7,8,nan,1,1", "score is not a finite number"),
        ("1,1,2e7,6,7,8,1,1,1", "beyond"),
        ("1,1,5,6,0,8,1,1,1", "x2 (5) must be greater than x1 (5)"),
        ("1,1,5,6,7,-8,1,1,1", "y2 (-2) must be greater than y1 (6)"),
        ("-3,1,5,6,7,8,1,1,1", "frame -3 is before the first frame, 1"),
        ("1.5,1,5,6,7,8,1,1,1", "frame 1.5 is not a frame number"),
        ("nan,1,5,6,7,8,1,1,1", "frame nan is not a frame number"),
        ("1,1.5,5,6,7,8,1,1,1", "ID 1.5 is not an integer"),
        ("1,1,five,6,7,8,1,1,1", "not a number: 'five'"),
        ("1,1,5", "3 columns instead of at least 6"),
        ("1,1,5,6,7,8", "6 columns, but other rows have 9"),
    ],
)
def test_an_invalid_row_is_refused_with_its_line_and_the_others_are_read(tmp_path, row, reason):
    text = f"# head\n1,1,5,6,7,8,1,1,1\n\n{row}\n2,1,5,6,7,8,1,1,1\n"
    read = read_boxes(write_file(tmp_path, text))
    assert len(read) == 2
    assert [(r.line, r.path.name) for r in read.refused] == [(4, "gt.txt")]
    assert reason in read.refused[0].reason


def test_blanks_trailing_commas_carriage_returns_and_a_byte_order_mark_are_accepted(tmp_path):
    path = tmp_path / "gt.txt"
    path.write_bytes(b"\xef\xbb\xbf1, 1, 5, 6, 7, 8, 1, 1, 1,\r\n2, 1, 5, 6, 7, 8, 1, 1, 1,\r\n")
    read = read_boxes(path)
    assert read.frames.tolist() == [0, 1]
    assert read.refused == ()


def test_columns_may_be_separated_by_blanks(tmp_path):
    assert rects(read_boxes(write_file(tmp_path, "1 1 5 6 7 8 1 1 1\n"))) == [(5.0, 6.0, 12.0, 14.0)]


def test_a_file_that_is_not_text_is_an_error(tmp_path):
    path = tmp_path / "gt.txt"
    path.write_bytes(b"1,1,5,6,7,8\n\xff\xfe,\n")
    with pytest.raises(UserError, match=r"gt.txt:2: the text is not UTF-8; it may be Shift-JIS, Latin-1"):
        read_boxes(path, format="mot")


def test_a_damaged_sequence_description_is_an_error(tmp_path):
    write_file(tmp_path, "[Sequence]\nseqLength=many\n", "seqinfo.ini")
    with pytest.raises(UserError, match=r"seqinfo.ini: the file is not a MOT sequence description"):
        read_boxes(write_file(tmp_path, MOT17_GT))


def test_a_sequence_folder_gives_the_requested_kind(tmp_path):
    write_file(tmp_path, MOT17_GT, "gt/gt.txt")
    write_file(tmp_path, DET, "det/det.txt")
    assert detect(tmp_path).format == "mot"
    assert len(read_boxes(tmp_path)) == 3
    assert len(read_boxes(tmp_path, ReadContext(kind=ImportKind.PREDICTIONS))) == 2
    (tmp_path / "gt" / "gt.txt").unlink()
    assert read_boxes(tmp_path).kind is ImportKind.PREDICTIONS


def test_class_name_for_a_file_without_classes(tmp_path):
    read = read_boxes(write_file(tmp_path, DET, "det.txt"), ReadContext(class_name="person"))
    assert read.class_names == ("person",)
    assert read.class_ids.tolist() == [0, 0]


def test_class_numbers_without_names_are_classes(tmp_path):
    read = read_boxes(write_file(tmp_path, "1,1,5,6,7,8,1,2,1\n"))
    assert read.classes == ClassTable(("2",), (2,), NumberKind.MOT, named=False)
    assert read.class_ids.tolist() == [0]


def test_written_ground_truth_has_nine_columns_and_a_labels_file(tmp_path):
    rows = [(0, 1, 2, 4, 6, 1, 7, 0), (4, 1.5, 2.25, 4, 6, -1, -1, BoxFlag.IGNORED | BoxFlag.OCCLUDED)]
    write_boxes(tmp_path / "gt.txt", boxes_to_write(rows, class_names=("person", "big car")), format="mot")
    assert (tmp_path / "gt.txt").read_text() == "1,7,1,2,3,4,1,2,1\n5,8,1.5,2.25,2.5,3.75,0,-1,0\n"
    assert (tmp_path / "gt.labels.txt").read_text() == "person\nbig car\n"
    read = read_boxes(tmp_path / "gt.txt")
    assert read.class_names == ("person", "big car")
    assert read.class_ids.tolist() == [1, -1]
    assert read.flags.tolist() == [0, int(BoxFlag.IGNORED | BoxFlag.OCCLUDED)]


def test_written_predictions_are_detections_with_exact_scores(tmp_path):
    score = float(np.nextafter(0.3, 1))
    write_boxes(tmp_path / "a.txt", boxes_to_write([(0, 1, 2, 4, 6)], scores=[score]), format="mot")
    assert (tmp_path / "a.txt").read_text() == "1,-1,1,2,3,4,0.30000000000000004,-1,-1,-1\n"
    assert read_boxes(tmp_path / "a.txt").scores.tolist() == [score]


def test_boxes_without_a_track_beside_others_get_ids_of_their_own(tmp_path):
    """TrackEval and motmetrics refuse a frame with the same id twice."""
    data = boxes_to_write([(0, 1, 2, 4, 6, -1, 7), (0, 11, 2, 14, 6), (0, 21, 2, 24, 6)])
    assert unsupported_fields(data, "mot") == ("2 boxes without a track become tracks of one box",)
    write_boxes(tmp_path / "gt.txt", data, format="mot")
    assert read_boxes(tmp_path / "gt.txt").track_ids.tolist() == [7, 8, 9]


def test_boxes_of_which_none_has_a_track_stay_without(tmp_path):
    data = boxes_to_write([(0, 1, 2, 4, 6), (0, 11, 2, 14, 6)])
    assert unsupported_fields(data, "mot") == ()
    write_boxes(tmp_path / "gt.txt", data, format="mot")
    assert read_boxes(tmp_path / "gt.txt").track_ids.tolist() == [-1, -1]


def test_a_class_name_with_a_line_break_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="line break"):
        write_boxes(tmp_path / "gt.txt", boxes_to_write([(0, 1, 2, 4, 6, 0)], class_names=("a\nb",)), format="mot")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("sequence", "boxes", "ignored"), [("pets09", 4650, 174), ("tud-campus", 359, 0)])
def test_real_ground_truth_survives_a_round_trip(shared_data, tmp_path, sequence, boxes, ignored):
    read = read_boxes(shared_data / sequence / "gt.txt")
    assert len(read) == boxes
    assert int(np.count_nonzero(read.flags & int(BoxFlag.IGNORED))) == ignored
    assert read.kind is ImportKind.GROUND_TRUTH
    assert read.refused == ()
    write_boxes(tmp_path / "gt.txt", boxes_from_import(read, frame_count=read.frame_count), format="mot")
    second = read_boxes(tmp_path / "gt.txt")
    for name in ("frames", "boxes", "track_ids", "flags", "class_ids"):
        assert np.array_equal(getattr(second, name), getattr(read, name)), name


def test_real_detections_are_predictions_of_the_whole_sequence(shared_data):
    read = read_boxes(shared_data / "pets09" / "det_frcnn.txt")
    assert (len(read), read.kind, read.frame_count, read.size) == (4359, ImportKind.PREDICTIONS, 795, (768, 576))
    assert read.scores.min() >= 0.5


def test_a_million_rows_are_read_and_invalid_ones_are_found_by_line(tmp_path):
    lines = ["7,-1,10.5,20,30,40,0.5,-1,-1,-1\n"] * 1_000_000
    lines[123_456] = "7,-1,10.5,20,-1,40,0.5,-1,-1,-1\n"
    path = write_file(tmp_path, "".join(lines), "det.txt")
    read = read_boxes(path)
    assert len(read) == 999_999
    assert [row.line for row in read.refused] == [123_457]


def test_confidences_of_minus_one_are_none(tmp_path):
    text = "1,1,100,100,50,100,-1,-1,-1,-1\n2,1,110,100,50,100,-1,-1,-1,-1\n"
    read = read_boxes(write_file(tmp_path, text, "tracker.txt"))
    assert (read.kind, read.scores) == (ImportKind.PREDICTIONS, None)
    assert "Every confidence is -1: the file has none" in read.notes


def test_some_confidences_of_minus_one_among_shares_are_missing_ones(tmp_path):
    text = "1,1,100,100,50,100,0.5,-1,-1,-1\n2,1,110,100,50,100,-1,-1,-1,-1\n"
    read = read_boxes(write_file(tmp_path, text, "tracker.txt"))
    assert [(row.line, "-1" in row.reason) for row in read.refused] == [(2, True)]
    kept = text.replace("0.5", "-0.5")  # a detector whose scores are no shares
    assert read_boxes(write_file(tmp_path, kept, "det.txt")).scores.tolist() == [-0.5, -1.0]


@pytest.mark.parametrize("bad", ["0,-1,ten,6,7,8,1", "0,-1,5,6", "0,-1,5,6,-7,8,1"])
def test_a_row_that_is_refused_does_not_renumber_the_others(tmp_path, bad):
    read = read_boxes(write_file(tmp_path, f"{bad}\n1,-1,5,6,7,8,0.5\n2,-1,5,6,7,8,0.5\n", "det.txt"))
    assert (read.frames.tolist(), len(read.refused)) == ([1, 2], 1)


def test_boxes_without_area_are_kept_as_predictions_only(tmp_path):
    text = "1,-1,5,6,7,8,0.5\n2,-1,5,6,0,8,0.5\n3,-1,5,6,7,0,0.5\n4,-1,5,6,-7,8,0.5\n"
    path = write_file(tmp_path, text, "boxes.txt")
    as_predictions = read_boxes(path, ReadContext(kind=ImportKind.PREDICTIONS))
    as_truth = read_boxes(path, ReadContext(kind=ImportKind.GROUND_TRUTH))
    assert [row.line for row in as_predictions.refused] == [4]
    assert [row.line for row in as_truth.refused] == [2, 3, 4]
