"""CVAT XML 1.1 in the layout of CVAT's own exports."""

from __future__ import annotations

import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest

from iouviewer.document.attributes import ATTRIBUTE_MASK
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats import archives
from iouviewer.formats.cvat import find_key_frames
from iouviewer.formats.registry import ReadContext, detect, read_boxes, write_boxes
from tests.formats.helpers import boxes_to_write, rects

VIDEO = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>5</id>
      <name>street</name>
      <size>{size}</size>
      <mode>interpolation</mode>
      <start_frame>{start}</start_frame>
      <stop_frame>{stop}</stop_frame>
      <frame_filter>{filter}</frame_filter>
      <labels>
        <label><name>car</name><color>#2080c0</color><attributes></attributes></label>
        <label><name>person</name><color>#c06060</color><attributes></attributes></label>
      </labels>
      <original_size><width>1920</width><height>1080</height></original_size>
    </task>
    <dumped>2024-01-01 00:00:00</dumped>
    <source>street.mp4</source>
  </meta>
  <track id="0" label="person" source="manual">
    <box frame="{a}" keyframe="1" outside="0" occluded="0" xtl="10.00" ytl="20.50" xbr="30.00" ybr="60.00" z_order="0">
      <attribute name="age">old</attribute>
    </box>
    <box frame="{b}" keyframe="0" outside="0" occluded="1" xtl="11.00" ytl="20.50" xbr="31.00" ybr="60.00" z_order="0">
    </box>
    <box frame="{c}" keyframe="1" outside="1" occluded="0" xtl="11.00" ytl="20.50" xbr="31.00" ybr="60.00" z_order="0">
    </box>
  </track>
</annotations>
"""

IMAGES = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <image id="0" name="frame_000000.PNG" width="640" height="480">
    <box label="car" source="manual" occluded="1" xtl="1.50" ytl="2.00" xbr="3.00" ybr="4.00" z_order="0">
      <attribute name="ignored">true</attribute>
    </box>
    <polygon label="car" occluded="0" points="1,2;3,4;5,6"/>
  </image>
  <image id="1" name="frame_000001.PNG" width="640" height="480">
  </image>
</annotations>
"""


def video_xml(start=0, stop=99, step="", size=100, frames=(0, 1, 2)):
    a, b, c = frames
    return VIDEO.format(start=start, stop=stop, filter=step, size=size, a=a, b=b, c=c)


def write_file(folder, text, name="annotations.xml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_tracks_lose_outside_boxes_and_keep_flags_and_ids(tmp_path):
    read = read_boxes(write_file(tmp_path, video_xml()))
    assert read.kind is ImportKind.GROUND_TRUTH
    assert read.frames.tolist() == [0, 1]
    assert rects(read)[0] == (10.0, 20.5, 30.0, 60.0)
    flags = [BoxFlag.KEY_FRAME, int(BoxFlag.INTERPOLATED | BoxFlag.OCCLUDED)]
    assert (read.flags & ~ATTRIBUTE_MASK).tolist() == flags
    assert read.track_ids.tolist() == [0, 0]
    assert read.class_names == ("car", "person")
    assert read.class_ids.tolist() == [1, 1]
    assert read.size == (1920, 1080)
    assert read.labelled.tolist() == list(range(100))
    assert any(name == "age" for one in read.attribute_sets for name, _value in one)
    assert any("outside" in note for note in read.notes)


def test_a_file_without_tracks_still_labels_its_frames(tmp_path):
    text = video_xml(stop=4)
    text = text[: text.index("  <track")] + "</annotations>"
    read = read_boxes(write_file(tmp_path, text))
    assert len(read) == 0
    assert read.labelled.tolist() == [0, 1, 2, 3, 4]


def test_frame_numbers_of_the_video_are_used_as_they_are(tmp_path):
    read = read_boxes(write_file(tmp_path, video_xml(start=10, stop=20, step="step=5", size=3, frames=(10, 15, 20))))
    assert read.frames.tolist() == [10, 15]
    assert read.labelled.tolist() == [10, 15, 20]


def test_frame_numbers_of_the_task_are_converted_by_start_and_step(tmp_path):
    read = read_boxes(write_file(tmp_path, video_xml(start=10, stop=20, step="step=5", size=3, frames=(0, 1, 2))))
    assert read.frames.tolist() == [10, 15]
    assert read.labelled.tolist() == [10, 15, 20]
    assert any("Frame numbers of the task" in note for note in read.notes)


def test_a_given_frame_base_is_subtracted(tmp_path):
    read = read_boxes(write_file(tmp_path, video_xml(frames=(1, 2, 3))), ReadContext(frame_base=1))
    assert read.frames.tolist() == [0, 1]


def test_images_give_frames_by_id_and_are_all_labelled(tmp_path):
    read = read_boxes(write_file(tmp_path, IMAGES))
    assert (read.frames.tolist(), read.track_ids.tolist()) == ([0], [-1])
    assert rects(read) == [(1.5, 2.0, 3.0, 4.0)]
    assert read.flags.tolist() == [int(BoxFlag.OCCLUDED | BoxFlag.IGNORED)]
    assert read.labelled.tolist() == [0, 1]
    assert read.size == (640, 480)
    assert "1 shape of type polygon is not a box" in read.refused[0].reason


def test_images_give_frames_by_the_names_of_an_image_folder(tmp_path):
    names = ["z.jpg", "frame_000001.jpg", "frame_000000.jpg"]
    read = read_boxes(write_file(tmp_path, IMAGES), ReadContext(image_names=names))
    assert read.frames.tolist() == [2]
    assert read.labelled.tolist() == [1, 2]


@pytest.mark.parametrize("inner", ["annotations.xml", "task_5/annotations.xml"])
def test_a_zip_archive_is_read_without_unpacking_it(tmp_path, inner):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.txt", "no")
        archive.writestr(inner, video_xml())
    assert detect(path).format == "cvat"
    assert read_boxes(path).frames.tolist() == [0, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["export.zip"]
    assert not (tmp_path.parent.parent / "evil.txt").exists()


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotations.xml", "<annotations>" + " " * 100_000 + "</annotations>")
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 10_000)
    with pytest.raises(UserError, match=r"unpacks to more than 4 GiB"):
        read_boxes(path)


def test_an_archive_with_a_wrong_size_in_its_directory_is_stopped_while_reading(tmp_path, monkeypatch):
    path = write_file(tmp_path, IMAGES)
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 100)
    with path.open("rb") as file, pytest.raises(UserError, match=r"unpacks to more than 4 GiB"):
        archives.LimitedReader(file.read, path).read(1000)


def test_a_damaged_archive_is_an_error(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotations.xml", video_xml() * 20)
    data = bytearray(path.read_bytes())
    data[80:120] = b"\xff" * 40
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match=r"export.zip: the file is not a readable zip archive"):
        read_boxes(path)


def test_an_archive_without_annotations_has_no_format(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert detect(path) is None
    with pytest.raises(UserError, match=r"contains 0 files named annotations.xml"):
        read_boxes(path, format="cvat")


@pytest.mark.parametrize("cut", [200, 600, 1000])
def test_a_truncated_file_is_reported_with_its_line(tmp_path, cut):
    path = write_file(tmp_path, video_xml()[:cut])
    with pytest.raises(UserError, match=r"annotations.xml:\d+: the file is not well-formed XML"):
        read_boxes(path, format="cvat")


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]>',
        '<!DOCTYPE annotations SYSTEM "http://localhost/a.dtd">',
    ],
)
def test_document_types_and_entities_are_refused(tmp_path, doctype):
    path = write_file(tmp_path, f"<?xml version='1.0'?>\n{doctype}\n<annotations>&x;</annotations>")
    with pytest.raises(UserError, match=r"annotations.xml:2: the file has a document type declaration"):
        read_boxes(path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('xtl="10.00"', 'xtl="ten"', "xtl is missing or not a number: 'ten'"),
        ('xtl="10.00" ', "", "xtl is missing or not a number: ''"),
        ('xtl="10.00"', 'xtl="nan"', "not a finite number"),
        ('xtl="10.00"', 'xtl="30.00"', "x2 (30) must be greater than x1 (30)"),
        ('frame="0"', 'frame="-1"', "frame -1 is negative"),
        ('frame="0" ', "", "the box has no frame number"),
        ('z_order="0"', 'z_order="0" rotation="12.5"', "rotated boxes are not supported"),
    ],
)
def test_an_invalid_box_is_refused_with_its_line_and_the_others_are_read(tmp_path, old, new, reason):
    read = read_boxes(write_file(tmp_path, video_xml().replace(old, new, 1)))
    assert read.frames.tolist() == [1]
    assert read.refused[0].line == 23
    assert reason in read.refused[0].reason


def test_other_xml_is_an_error(tmp_path):
    with pytest.raises(UserError, match="its root is <html>"):
        read_boxes(write_file(tmp_path, "<html></html>"), format="cvat")


KEY, BETWEEN = BoxFlag.KEY_FRAME, BoxFlag.INTERPOLATED


def xml_boxes(path):
    root = ElementTree.parse(path).getroot()
    keys = ("frame", "keyframe", "outside")
    return [[tuple(int(box.get(key)) for key in keys) for box in track.iter("box")] for track in root.iter("track")]


def test_a_written_track_ends_outside_and_leaves_only_linear_interpolation_to_cvat(tmp_path):
    rows = [(f, 10 + 2 * f, 5, 30 + 2 * f, 25, 0, 3, KEY if f in (0, 4) else BETWEEN) for f in range(5)]
    rows[2] = (2, 19, 5, 34, 25, 0, 3, BETWEEN)
    rows += [(8, 1, 1, 2, 2, 0, 3, KEY), (19, 1, 1, 2, 2, 0, 3, KEY)]
    write_boxes(tmp_path / "a.xml", boxes_to_write(rows, class_names=("a<&b",)), format="cvat")
    assert xml_boxes(tmp_path / "a.xml") == [
        [(0, 1, 0), (1, 1, 0), (2, 1, 0), (3, 1, 0), (4, 1, 0), (5, 1, 1), (8, 1, 0), (9, 1, 1), (19, 1, 0)]
    ]
    rows[2] = (2, 14, 5, 34, 25, 0, 3, BETWEEN)
    write_boxes(tmp_path / "a.xml", boxes_to_write(rows, class_names=("a<&b",)), format="cvat")
    assert [key for _, key, _ in xml_boxes(tmp_path / "a.xml")[0]] == [1, 0, 0, 0, 1, 1, 1, 1, 1]
    assert read_boxes(tmp_path / "a.xml").class_names == ("a<&b",)


def test_boxes_without_a_track_and_tracks_of_two_classes_become_separate_tracks(tmp_path):
    rows = [
        (0, 1, 1, 2, 2, 0, 0),
        (0, 1, 1, 2, 2, 1, 0),
        (1, 1, 1, 2, 2, -1, -1),
        (1, 1, 1, 2, 3, 0, 0),
        (0, 4, 4, 5, 5, 0, 0),
    ]
    write_boxes(tmp_path / "a.xml", boxes_to_write(rows, class_names=("a", "b")), format="cvat")
    read = read_boxes(tmp_path / "a.xml")
    names = [read.class_names[i] if i >= 0 else None for i in read.class_ids]
    assert sorted(zip(read.frames.tolist(), names, strict=True), key=str) == [
        (0, "a"), (0, "a"), (0, "b"), (1, "a"), (1, None),
    ]  # fmt: skip
    assert len(xml_boxes(tmp_path / "a.xml")) == 4


def test_evenly_spaced_labelled_frames_become_the_segment_of_the_task(tmp_path):
    data = boxes_to_write(
        [(4, 1, 1, 2, 2, 0, 1), (8, 1, 1, 2, 2, 0, 1)], class_names=("a",), labelled=np.array([4, 8, 12])
    )
    write_boxes(tmp_path / "a.xml", data, format="cvat")
    read = read_boxes(tmp_path / "a.xml")
    assert read.labelled.tolist() == [4, 8, 12]
    assert read.frames.tolist() == [4, 8]
    assert xml_boxes(tmp_path / "a.xml")[0][-1] == (12, 1, 1)


def test_interpolation_between_key_frames_restores_every_box():
    rng = np.random.default_rng(3)
    frames = np.arange(40)
    boxes = np.cumsum(rng.normal(0, 1, (4, 40)) * (rng.random(40) < 0.3), axis=1)
    flags = np.where(rng.random(40) < 0.2, int(KEY), int(BETWEEN))
    key = find_key_frames(frames, boxes, flags)
    back = np.stack([np.interp(frames, frames[key], edge[key]) for edge in boxes])
    assert np.abs(back - boxes).max() <= 1e-3
    assert not key.all()


def test_an_empty_track_has_no_key_frames():
    assert find_key_frames(np.zeros(0, np.int64), np.zeros((4, 0)), np.zeros(0, np.int64)).shape == (0,)


KEYS = ((0, 20, 0), (4, 60, 0), (8, 100, 0), (10, 120, 1))
"""Frame, x, outside."""


def key_frames_file(folder, shapes=KEYS, *, key=1, more="", size=20, meta=True):
    """A file with one track of boxes 60 x 80 at (x, 50) that lists these shapes only."""
    boxes = "".join(
        f'<box frame="{frame}" outside="{outside}" occluded="0" keyframe="{key}" xtl="{x}" ytl="50" '
        f'xbr="{x + 60 if isinstance(x, int) else 80}" ybr="130" {extra[0] if extra else ""}/>'
        for frame, x, outside, *extra in shapes
    )
    task = f"<meta><task><start_frame>0</start_frame><stop_frame>{size - 1}</stop_frame></task></meta>" if meta else ""
    path = folder / "keys.xml"
    path.write_text(f'<annotations>{task}<track id="3" label="car">{boxes}</track>{more}</annotations>')
    return path


def test_boxes_between_key_frames_are_interpolated_until_the_track_ends(tmp_path):
    read = read_boxes(key_frames_file(tmp_path))
    order = np.argsort(read.frames)
    assert read.frames[order].tolist() == list(range(10))
    assert read.boxes[0][order].tolist() == [20 + 10 * n for n in range(10)]
    assert [n for n in range(10) if read.flags[order][n] & BoxFlag.KEY_FRAME] == [0, 4, 8]
    assert set(read.track_ids.tolist()) == {3}
    assert any("7 boxes between and after them are interpolated" in note for note in read.notes)


def test_a_track_that_nothing_ends_lasts_until_the_task_does(tmp_path):
    assert sorted(read_boxes(key_frames_file(tmp_path, KEYS[:3])).frames.tolist()) == list(range(20))
    read = read_boxes(key_frames_file(tmp_path, KEYS[:3], meta=False))
    assert sorted(read.frames.tolist()) == list(range(9))
    assert any("does not say where the task ends" in note for note in read.notes)


def test_a_file_that_lists_every_box_is_read_as_it_is(tmp_path):
    every = [(n, 20 + n, 0) for n in range(5)]
    assert sorted(read_boxes(key_frames_file(tmp_path, every)).frames.tolist()) == list(range(5))
    assert sorted(read_boxes(key_frames_file(tmp_path, KEYS, key=0)).frames.tolist()) == [0, 4, 8]


@pytest.mark.parametrize("bad", [(4, "left", 0), (4, 60, 0, 'rotation="12"')])
def test_a_refused_key_frame_changes_no_other_box(tmp_path, bad):
    whole = read_boxes(key_frames_file(tmp_path))
    read = read_boxes(key_frames_file(tmp_path, (KEYS[0], bad, *KEYS[2:])))
    assert len(read.refused) == 1
    assert sorted(read.frames.tolist()) == [0, 8, 9]
    expected = dict(zip(whole.frames.tolist(), rects(whole), strict=True))
    assert [expected[frame] for frame in read.frames.tolist()] == rects(read)
    assert any("6 boxes beside refused key frames are left out" in note for note in read.notes)


def test_an_unreadable_end_still_ends_the_track(tmp_path):
    read = read_boxes(key_frames_file(tmp_path, (*KEYS[:3], (10, "right", 1))))
    assert sorted(read.frames.tolist()) == list(range(10))


def test_key_frames_of_a_task_with_a_step_leave_no_boxes_between_its_frames(tmp_path):
    path = key_frames_file(tmp_path, [(10, 20, 0), (22, 80, 0), (26, 90, 1)])
    task = "<start_frame>10</start_frame><stop_frame>40</stop_frame><frame_filter>step=4</frame_filter>"
    path.write_text(path.read_text().replace("<start_frame>0</start_frame><stop_frame>19</stop_frame>", task))
    read = read_boxes(path)
    assert sorted(read.frames.tolist()) == [10, 14, 18, 22]
