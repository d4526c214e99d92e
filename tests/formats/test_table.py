"""Tables with a header, in the layouts of the tools that write them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext, UncertainReadingError
from iouviewer.formats.registry import detect, read_boxes
from tests.formats.helpers import rects

VGA = ReadContext(size=(640, 480))


def write(folder, text, name="t.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


SUPERVISION = (
    "x_min,y_min,x_max,y_max,class_id,confidence,tracker_id,class_name,frame_number\n"
    "100.5,100,300,140,2,0.9,7,car,0\n10,20,30,40,0,0.25,,person,3\n"
)


def test_a_csv_sink_of_supervision(tmp_path):
    path = write(tmp_path, SUPERVISION)
    assert detect(path).format == "table"
    assert detect(path).kind is ImportKind.PREDICTIONS
    read = read_boxes(path, VGA)
    assert rects(read) == [(100.5, 100, 300, 140), (10, 20, 30, 40)]
    assert read.frames.tolist() == [0, 3]
    assert [read.class_names[i] for i in read.class_ids] == ["car", "person"]
    assert read.class_numbers == (0, 2)
    assert read.scores.tolist() == [0.9, 0.25]
    assert read.track_ids.tolist() == [7, -1]
    assert not read.refused


def test_a_json_sink_of_supervision_and_json_lines_read_as_the_csv(tmp_path):
    header, *lines = SUPERVISION.splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    whole = read_boxes(write(tmp_path, SUPERVISION), VGA)
    for name, text in (("a.json", json.dumps(rows)), ("a.jsonl", "\n".join(map(json.dumps, rows)))):
        path = write(tmp_path, text, name)
        assert detect(path).format == "table"
        read = read_boxes(path, VGA)
        assert rects(read) == rects(whole)
        assert read.track_ids.tolist() == whole.track_ids.tolist()
        assert read.class_names == whole.class_names


def test_a_table_of_tensorflow_names_images_and_their_sizes(tmp_path):
    text = (
        "filename,width,height,class,xmin,ymin,xmax,ymax\n"
        "b_jpg.rf.0123456789abcdef0123456789abcdef.jpg,640,480,dog,1,2,30,40\na.jpg,320,240,cat,5,6,70,80\n"
    )
    path = write(tmp_path, text)
    read = read_boxes(path, ReadContext(image_names=("a.jpg", "b.jpg"), image_sizes=((320, 240), (640, 480))))
    assert read.frames.tolist() == [1, 0]
    assert dict(zip(read.images.frames, read.images.sizes, strict=True)) == {0: (320, 240), 1: (640, 480)}
    alone = read_boxes(path, ReadContext())
    assert sorted(alone.images.names)[0] == "a.jpg"


def test_relative_boxes_take_the_size_of_their_own_image(tmp_path):
    text = "image,image_width,image_height,label,x_center,y_center,width,height\na1.png,200,100,x,0.5,0.5,0.5,0.25\n"
    read = read_boxes(write(tmp_path, text), ReadContext())
    assert rects(read) == [(50, 37.5, 150, 62.5)]
    without = write(tmp_path, "image,xc,yc,w,h\na1.png,0.5,0.5,0.5,0.25\n", "u.csv")
    assert rects(read_boxes(without, VGA)) == [(160, 180, 480, 300)]
    with pytest.raises(UserError, match="whose size is not known"):
        read_boxes(without, ReadContext())


def test_a_table_of_frame_and_corners_reads_as_it_says(tmp_path):
    path = write(tmp_path, "frame,x1,y1,x2,y2\n0,100,100,300,140\n1,100,100,300,140\n")
    read = read_boxes(path)
    assert read.frames.tolist() == [0, 1]
    assert rects(read)[0] == (100, 100, 300, 140)
    assert read.kind is ImportKind.UNKNOWN


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_any_usual_delimiter_and_columns_in_any_order(tmp_path, delimiter):
    text = "label,y2,x2,y1,x1,frame\ndog,40,30,20,10,0\n".replace(",", delimiter)
    read = read_boxes(write(tmp_path, text, "t.txt"))
    assert rects(read) == [(10, 20, 30, 40)]
    assert read.class_names == ("dog",)


# What the names leave open


def open_rows(*boxes):
    return "frame,x,y,w,h\n" + "".join(f"{i},{','.join(map(str, box))}\n" for i, box in enumerate(boxes))


def test_x_y_w_h_is_asked_where_nothing_settles_it(tmp_path):
    path = write(tmp_path, open_rows((100, 100, 50, 40), (200, 200, 60, 60)))
    with pytest.raises(UncertainReadingError, match="x, y, w, h can be read in several ways") as caught:
        read_boxes(path, VGA)
    left_top, centre = caught.value.choices
    assert left_top.option == '--columns "frame=frame,x=x,y=y,w=w,h=h,units=pixels"'
    assert rects(read_boxes(path, ReadContext(size=(640, 480), **left_top.changes)))[0] == (100, 100, 150, 140)
    assert rects(read_boxes(path, ReadContext(size=(640, 480), **centre.changes)))[0] == (75, 80, 125, 120)


def test_boxes_at_the_border_settle_what_x_and_y_are(tmp_path):
    at_the_left = write(tmp_path, open_rows((0, 100, 50, 40), (200, 200, 60, 60)))
    assert rects(read_boxes(at_the_left, VGA))[0] == (0, 100, 50, 140)
    at_the_right = write(tmp_path, open_rows((615, 100, 50, 40), (200, 200, 60, 60)), "u.csv")
    read = read_boxes(at_the_right, VGA)
    assert rects(read)[0] == (590, 80, 640, 120)
    assert any("centre, width, height" in note for note in read.notes)


def test_a_cell_with_four_numbers(tmp_path):
    inverted = 'image_id,bbox\na1,"[834.0, 222.0, 56.0, 36.0]"\na2,"[26, 144, 124, 117]"\n'
    assert rects(read_boxes(write(tmp_path, inverted)))[0] == (834, 222, 890, 258)
    with pytest.raises(UncertainReadingError, match="bbox can be read in several ways"):
        read_boxes(write(tmp_path, 'image_id,bbox\na1,"[10, 20, 30, 40]"\n', "u.csv"))
    rows = [{"frame": 0, "xyxy": [1, 2, 3, 4]}]
    assert rects(read_boxes(write(tmp_path, json.dumps(rows), "t.json"))) == [(1, 2, 3, 4)]


def test_an_id_is_a_track_only_where_it_occurs_twice(tmp_path):
    rows = "id,frame,x1,y1,x2,y2\n{},0,1,2,3,4\n{},1,1,2,3,4\n"
    assert read_boxes(write(tmp_path, rows.format(5, 5))).track_ids.tolist() == [5, 5]
    once = read_boxes(write(tmp_path, rows.format(5, 6)))
    assert once.track_ids.tolist() == [-1, -1]
    assert any("Columns not read: id" in note for note in once.notes)


def test_the_first_frame_is_asked_where_it_may_be_0_or_1(tmp_path):
    path = write(tmp_path, "frame,x1,y1,x2,y2\n5,1,2,3,4\n")
    with pytest.raises(UncertainReadingError, match="counted from 0 or from 1"):
        read_boxes(path)
    assert read_boxes(path, ReadContext(frame_base=1)).frames.tolist() == [4]
    assert read_boxes(path, ReadContext(frame_count=5)).frames.tolist() == [4]
    one = write(tmp_path, "frame,x1,y1,x2,y2\n1,1,2,3,4\n", "u.csv")
    read = read_boxes(one)
    assert read.frames.tolist() == [0]
    assert "Frames start at 1" in read.notes


def test_a_table_without_a_frame_is_refused_with_its_columns(tmp_path):
    with pytest.raises(UncertainReadingError, match="no column for the frame or the image") as caught:
        read_boxes(write(tmp_path, "x1,y1,x2,y2,when\n1,2,3,4,5\n"))
    assert "--columns" in str(caught.value)
    assert "when" in str(caught.value)


def test_two_columns_for_one_part_are_asked(tmp_path):
    with pytest.raises(UncertainReadingError, match="several columns for one part of the box: x1, X1"):
        read_boxes(write(tmp_path, "frame,x1,y1,x2,y2,X1\n0,1,2,3,4,5\n"))


# As a person says


def test_columns_said_by_a_person_win(tmp_path):
    path = write(tmp_path, "when,a,b,c,d,what\n0,10,20,30,40,dog\n")
    assert detect(path).certainty < 0.5
    with pytest.raises(UncertainReadingError, match="no columns for the four numbers"):
        read_boxes(path)
    spec = "frame=when,x=a,y=b,w=c,h=d,class=what"
    read = read_boxes(path, ReadContext(columns=spec))
    assert rects(read) == [(10, 20, 40, 60)]
    assert read.class_names == ("dog",)
    percent = read_boxes(path, ReadContext(size=(200, 100), columns=f"{spec},units=percent"))
    assert rects(percent) == [(20, 20, 80, 60)]
    own = write(tmp_path, "frameID,x1,y1,x2,y2\n0,1,2,3,4\n", "own.csv")
    assert rects(read_boxes(own, ReadContext(columns="frame=frameID,x=x1,y=y1,w=x2,h=y2"))) == [(1, 2, 4, 6)]


def test_a_mapping_is_remembered_by_its_header(tmp_path):
    path = write(tmp_path, open_rows((100, 100, 50, 40)))
    context = ReadContext(size=(640, 480), remembered_columns={"frame\tx\ty\tw\th": "frame=frame,cx=x,cy=y,w=w,h=h"})
    read = read_boxes(path, context)
    assert rects(read) == [(75, 80, 125, 120)]
    assert any(note.startswith("Columns as chosen before") for note in read.notes)


def test_one_video_of_several(tmp_path):
    path = write(tmp_path, "video,frame,x1,y1,x2,y2\na.mp4,0,1,2,3,4\nb.mp4,0,5,6,7,8\n")
    with pytest.raises(UncertainReadingError, match="contains 2 videos"):
        read_boxes(path)
    assert rects(read_boxes(path, ReadContext(task="b.mp4"))) == [(5, 6, 7, 8)]


# Damage


def test_bad_cells_refuse_their_rows_with_their_lines(tmp_path):
    path = write(tmp_path, "frame,x1,y1,x2,y2,score\n0,1,2,3,4,0.5\n1,one,2,3,4,0.5\n2,1,2,3\n3,1,2,3,4,\n")
    read = read_boxes(path)
    assert read.frames.tolist() == [0]
    assert sorted(row.line for row in read.refused) == [3, 4, 5]


def test_a_damaged_line_of_json_is_named(tmp_path):
    path = write(tmp_path, '{"frame": 0, "x1": 1, "y1": 2, "x2": 3, "y2": 4}\n{"frame": \n', "t.jsonl")
    with pytest.raises(UserError, match="not valid JSON") as caught:
        read_boxes(path)
    assert caught.value.line == 2


def test_corners_under_names_of_widths_are_refused(tmp_path):
    rows = "".join(f"{i},{200 + 10 * i},{200 + 5 * i},{260 + 10 * i},{260 + 5 * i}\n" for i in range(30))
    with pytest.raises(UncertainReadingError, match="look like corners"):
        read_boxes(write(tmp_path, "frame,left,top,width,height\n" + rows), VGA)


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table(
        {"frame": [0, 1], "x1": [1.0, 2], "y1": [2.0, 3], "x2": [3.0, 4], "y2": [4.0, 5], "label": ["a", "b"]}
    )
    path = tmp_path / "t.parquet"
    parquet.write_table(table, path)
    assert detect(path).format == "table"
    read = read_boxes(path)
    assert rects(read) == [(1, 2, 3, 4), (2, 3, 4, 5)]
    assert read.class_names == ("a", "b")
    path.write_bytes(path.read_bytes()[:50])
    assert detect(path) is None


def test_parquet_without_its_library_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("iouviewer.formats.table_data._parquet", lambda: None)
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1" + bytes(50))
    assert detect(path).format == "table"
    with pytest.raises(UserError, match=r"this is a Parquet table.*pip install iouviewer\[parquet\]"):
        read_boxes(path)


def test_a_large_table_is_read_by_column(tmp_path):
    count = 20_000
    rows = "".join(f"{i},{i % 600},{i % 400},{i % 600 + 20.5},{i % 400 + 30},{0.5}\n" for i in range(count))
    read = read_boxes(write(tmp_path, "frame,x1,y1,x2,y2,score\n" + rows), VGA)
    assert len(read) == count
    assert np.array_equal(read.frames, np.arange(count))
