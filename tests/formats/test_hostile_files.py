"""Files in other encodings, and files that would take all memory or hang: recognised, or refused in one line."""

from __future__ import annotations

import json
import os
import threading
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from iouviewer.errors import UserError
from iouviewer.formats import archives, registry, streams, xml_safe
from iouviewer.formats.encodings import UnknownEncodingError, decode_text
from iouviewer.formats.interface import ReadContext
from iouviewer.formats.registry import detect, read_boxes
from tests.formats.helpers import label_studio_export, label_studio_key_frame, write_label_studio

VGA = ReadContext(size=(640, 480))
TABLE = "frame,x1,y1,x2,y2,label\n0,1,2,3,4,{}\n"
VOC = (
    "{}<annotation><filename>1.jpg</filename><object><name>{}</name>"
    "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object></annotation>"
)
CERTAIN = [
    ("utf-16", "车", "UTF-16"),
    ("utf-16-le", "car", "UTF-16"),
    ("utf-16-be", "car", "UTF-16"),
    ("gb18030", "行人", "GB18030"),
    ("gb18030", "自行车", "GB18030"),
    ("cp932", "トラック", "Shift-JIS"),
    ("cp932", "くるま", "Shift-JIS"),
    ("latin-1", "Fußgänger", "Latin-1"),
    ("latin-1", "señal", "Latin-1"),
]
OPEN = [("cp932", "車"), ("cp932", "自動車"), ("gb18030", "鏡頭"), ("latin-1", "naïve éé")]


@pytest.mark.parametrize(("codec", "name", "said"), CERTAIN)
def test_tables_in_other_encodings_are_read_and_told(tmp_path, codec, name, said):
    path = tmp_path / "t.csv"
    path.write_bytes(TABLE.format(name).encode(codec))
    assert detect(path).format == "table"
    found = read_boxes(path, VGA)
    assert found.class_names == (name,)
    assert f"t.csv is {said} text" in found.notes


@pytest.mark.parametrize(("codec", "name"), OPEN)
def test_what_is_not_certain_is_named_with_its_line(tmp_path, codec, name):
    path = tmp_path / "t.csv"
    path.write_bytes(TABLE.format(name).encode(codec))
    with pytest.raises(UserError, match="the text is not UTF-8; it may be") as caught:
        read_boxes(path, VGA)
    assert caught.value.line == 2
    assert "Save it as UTF-8" in str(caught.value)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig"])
def test_utf_8_is_not_mentioned(tmp_path, codec):
    path = tmp_path / "t.csv"
    path.write_bytes(TABLE.format("行人 é").encode(codec))
    found = read_boxes(path, VGA)
    assert found.class_names == ("行人 é",)
    assert not any("text" in note for note in found.notes)


def test_a_character_cut_by_the_sample_is_no_other_encoding(tmp_path):
    path = tmp_path / "t.csv"
    head = TABLE.format("x")
    for shift in range(3):
        path.write_text(head + "0,1,2,3,4," + "y" * shift + "行" * 40_000 + "\n", encoding="utf-8")
        assert detect(path).format == "table"


@pytest.mark.parametrize("codec", ["utf-16", "gb18030"])
def test_json_in_other_encodings(tmp_path, codec):
    path = tmp_path / "t.json"
    path.write_bytes(
        json.dumps([{"frame": 0, "xyxy": [1, 2, 3, 4], "label": "行人"}], ensure_ascii=False).encode(codec)
    )
    assert read_boxes(path, VGA).class_names == ("行人",)


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("", "gb18030"), ("gb2312", "gb2312"), ("GBK", "gbk"), ("Shift_JIS", "shift_jis"), ("", "utf-16")],
)
def test_xml_in_other_encodings(tmp_path, declared, codec):
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    name = "トラック" if codec == "shift_jis" else "行人"
    path = tmp_path / "1.xml"
    path.write_bytes(VOC.format(declaration, name).encode(codec))
    assert read_boxes(path, VGA).class_names == (name,)


def test_bytes_without_any_encoding_are_no_text():
    with pytest.raises(UnknownEncodingError):
        decode_text(bytes(range(256)) * 4)


# Memory


def peak(action):
    """The most memory in bytes that Python objects took during ``action``."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_many_xml_elements_in_one_are_refused_before_they_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(xml_safe, "MAX_ELEMENTS", 10_000)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotations.xml", "<annotations><track>" + "<a/>" * 2_000_000)

    def read():
        with pytest.raises(UserError, match="one element has more than 10,000 elements"):
            read_boxes(path, VGA)

    assert peak(read) < 100 << 20


def test_long_text_in_xml_is_refused(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<annotations><meta><task><name>" + "x" * (2 << 20) + "</name></task></meta></annotations>")
    with pytest.raises(UserError, match="the text of one element is too long"):
        read_boxes(path, VGA)


def test_what_unpacks_to_far_more_than_annotations_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "RATIO_FROM", 1 << 20)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotations.xml", "<annotations>" + " " * (20 << 20) + "</annotations>")
    with pytest.raises(UserError, match="far more than annotations do"):
        read_boxes(path, VGA)


@pytest.mark.parametrize("opening", ["[", '{"images": '])
def test_deep_json_is_refused_in_one_line(tmp_path, opening):
    path = tmp_path / "a.json"
    path.write_text('{"images": [], "annotations": ' + opening * 200_000)
    with pytest.raises(UserError, match="not valid JSON"):
        read_boxes(path, VGA)


def test_claimed_frames_allocate_nothing(tmp_path):
    content = label_studio_export(label_studio_key_frame(1), frames_count=10_000_000)
    path = write_label_studio(tmp_path, content)

    def read():
        with pytest.raises(UserError, match="more than 1,000,000 boxes between its key frames"):
            read_boxes(path, VGA)

    assert peak(read) < 50 << 20
    clipped = read_boxes(path, ReadContext(size=(640, 480), frame_count=5, accept_differences=True))
    assert clipped.frames.tolist() == [0, 1, 2, 3, 4]


def test_a_cvat_task_of_ten_million_frames_allocates_nothing(tmp_path):
    path = tmp_path / "a.xml"
    box = '<box frame="{}" xtl="1" ytl="2" xbr="3" ybr="4" outside="0" occluded="0" keyframe="1"/>'
    path.write_text(
        "<annotations><meta><task><size>10000000</size></task></meta><track id='0' label='car'>"
        f"{box.format(0)}{box.format(9_999_999)}</track></annotations>"
    )
    with pytest.raises(UserError, match="more than 1,000,000 boxes between its key frames"):
        read_boxes(path, VGA)


# Files that change, and pipes


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text(TABLE.format("car"))
    real = registry._read_any

    def read_and_write(file, context, format):
        found = real(file, context, format)
        path.write_text(TABLE.format("car") + "1,1,2,3,4,car\n")
        return found

    monkeypatch.setattr(registry, "_read_any", read_and_write)
    with pytest.raises(UserError, match="the file changed while it was read"):
        read_boxes(path, VGA)


posix = pytest.mark.skipif(os.name != "posix", reason="named pipes")


@posix
def test_a_pipe_that_nobody_writes_to_does_not_hang(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "WAIT_SECONDS", 0.2)
    pipe = tmp_path / "t.csv"
    os.mkfifo(pipe)
    assert detect(pipe) is None
    with pytest.raises(UserError, match="nobody writes to the pipe"):
        read_boxes(pipe, VGA)


@posix
def test_a_slow_writer_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "WAIT_SECONDS", 0.1)
    pipe = tmp_path / "t.csv"
    os.mkfifo(pipe)

    def write():
        with pipe.open("w") as file:
            file.write("frame,x1,y1,x2,y2\n")
            file.flush()
            time.sleep(0.5)
            file.write("0,1,2,3,4\n")

    writer = threading.Thread(target=write)
    writer.start()
    assert len(read_boxes(pipe, VGA)) == 1
    writer.join()


@posix
def test_pipes_among_label_files_are_refused(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a_1.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    os.mkfifo(tmp_path / "labels" / "a_2.txt")
    with pytest.raises(UserError, match=r"a_2.txt: is not a regular file"):
        read_boxes(tmp_path / "labels", VGA)


@posix
def test_a_stream_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr(streams, "MAX_STREAM_BYTES", 10 << 20)
    with pytest.raises(UserError, match="the stream has more than"):
        read_boxes(Path("/dev/zero"), VGA)
