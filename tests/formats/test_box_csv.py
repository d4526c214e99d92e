"""Box CSV, the program's own format, and the score CSV that must not be mistaken for it."""

from __future__ import annotations

import pytest

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, detect, read_boxes, write_boxes
from tests.formats.helpers import boxes_to_write, rects


def write_file(folder, text):
    path = folder / "boxes.csv"
    path.write_bytes(text.encode())
    return path


def test_a_header_without_rows_has_no_boxes(tmp_path):
    read = read_boxes(write_file(tmp_path, "frameID,x1,y1,x2,y2\n"))
    assert len(read) == 0
    assert read.kind is ImportKind.UNKNOWN


def test_an_empty_file_is_not_a_table(tmp_path):
    with pytest.raises(UserError, match="the first line must be frameID"):
        read_boxes(write_file(tmp_path, ""), format="boxcsv")


def test_all_columns_in_any_order_and_case(tmp_path):
    text = 'FrameID,class,x1,y1,x2,y2,id,score,flags,extra\r\n3,"a, ""b""",1,2,3.5,4,7,0.25,ignored occluded,?\r\n'
    read = read_boxes(write_file(tmp_path, text))
    assert read.kind is ImportKind.PREDICTIONS
    assert (read.frames.tolist(), rects(read)) == ([3], [(1.0, 2.0, 3.5, 4.0)])
    assert read.class_names == ('a, "b"',)
    assert (read.track_ids.tolist(), read.scores.tolist()) == ([7], [0.25])
    assert read.flags.tolist() == [int(BoxFlag.IGNORED | BoxFlag.OCCLUDED)]
    assert any("extra" in note for note in read.notes)


def test_frames_start_at_zero_unless_the_user_gives_a_base(tmp_path):
    path = write_file(tmp_path, "frameID,x1,y1,x2,y2\n1,1,2,3,4\n")
    assert read_boxes(path).frames.tolist() == [1]
    assert read_boxes(path, ReadContext(frame_base=1)).frames.tolist() == [0]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("0,nan,2,3,4,1", "not a finite number"),
        ("0,1,2,-inf,4,1", "not a finite number"),
        ("0,1,2,1e8,4,1", "beyond"),
        ("0,4,2,3,4,1", "x2 (3) must be greater than x1 (4)"),
        ("-1,1,2,3,4,1", "frame -1 is negative"),
        ("0,1,2,3,four,1", "not a number: 'four'"),
        ("0,1,2,3,4,", "the score is missing"),
        ("0,1,2,3,4", "5 columns, but the header has 6"),
        ("99999999999,1,2,3,4,1", "is not a frame number"),
    ],
)
def test_an_invalid_row_is_refused_with_its_line(tmp_path, row, reason):
    text = f"frameID,x1,y1,x2,y2,score\n0,1,2,3,4,0.5\n\n{row}\n1,1,2,3,4,0.5\n"
    read = read_boxes(write_file(tmp_path, text))
    assert read.frames.tolist() == [0, 1]
    assert [r.line for r in read.refused] == [4]
    assert reason in read.refused[0].reason


@pytest.mark.parametrize(
    ("column", "cell", "reason"), [("id", "1.5", "not an integer"), ("flags", "lost", "is not a flag")]
)
def test_invalid_ids_and_flags_are_refused(tmp_path, column, cell, reason):
    read = read_boxes(write_file(tmp_path, f"frameID,x1,y1,x2,y2,{column}\n0,1,2,3,4,{cell}\n"))
    assert len(read) == 0
    assert reason in read.refused[0].reason


def test_a_column_that_occurs_twice_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"boxes.csv:1: the column x1 occurs twice"):
        read_boxes(write_file(tmp_path, "frameID,x1,y1,x2,y2,x1\n"))


@pytest.mark.parametrize("text", ["frameID,iou\n0,0.5\n", "frameID,iou,iou:frcnn,tp\r\n0,,0.5,1\r\n"])
def test_a_score_csv_is_refused_because_it_has_no_boxes(tmp_path, text):
    path = write_file(tmp_path, text)
    assert detect(path).format == "score_csv"
    for format_key in (None, "boxcsv", "score_csv"):
        with pytest.raises(UserError, match="contains scores and no boxes"):
            read_boxes(path, format=format_key)


@pytest.mark.parametrize("name", ["=1+1", "+a", "-a", "@a", "'=a", "''-a", "'a", "a'b", "\ta"])
def test_class_names_are_quoted_against_formulas_and_read_back(tmp_path, name):
    path = tmp_path / "boxes.csv"
    write_boxes(path, boxes_to_write([(0, 1, 2, 3, 4, 0)], class_names=(name,)), format="boxcsv")
    cell = path.read_text().splitlines()[1].split(",")[5].strip('"')
    assert not cell.startswith(("=", "+", "-", "@", "\t"))
    assert read_boxes(path).class_names == (name,)


def test_a_written_file_has_only_the_columns_it_needs(tmp_path):
    path = tmp_path / "boxes.csv"
    write_boxes(path, boxes_to_write([(0, 0.1, 2, 3, 4)]), format="boxcsv")
    assert path.read_bytes() == b"frameID,x1,y1,x2,y2\r\n0,0.1,2,3,4\r\n"
    rows = [(0, 1, 2, 3, 4, 0, 5, 0), (1, 1, 2, 3, 4.0000001, -1, -1, BoxFlag.IGNORED)]
    write_boxes(path, boxes_to_write(rows, class_names=("dog",), scores=[0.5, 1]), format="boxcsv")
    assert path.read_text().splitlines() == [
        "frameID,x1,y1,x2,y2,class,score,id,flags",
        "0,1,2,3,4,dog,0.5,5,",
        "1,1,2,3,4,,1,,ignored",
    ]
