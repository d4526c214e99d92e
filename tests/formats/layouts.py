"""Small files in the layout of the tools that write them, with everything that their readers do not need."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iouviewer.formats.interface import ReadContext

SIZE = (640, 480)
ROBOFLOW = tuple(f"street_{n:02d}_jpg.rf.{n * 7919:032x}" for n in range(4))


@dataclass(frozen=True)
class Layout:
    """A source.

    Attributes:
        write: writes it into a folder; returns the path to open.
        move_lines: most lines that change when one box moves.
        one_class_a_track: a box cannot have another class than the others of its track.
        new_track: track of a box that is added.
    """

    name: str
    write: Callable[[Path], Path]
    move_lines: int
    context: ReadContext = field(default_factory=lambda: ReadContext(size=SIZE, frame_count=12))
    one_class_a_track: bool = False
    new_track: int = -1


def _text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def mot17(folder: Path) -> Path:
    """A sequence of MOT17: sorted by track, classes 1, 7, 8 and 12, flags and visibilities."""
    rows = [
        f"{frame},{track},{100 * track + 3 * frame},{50 + frame}.5,40,80.25,{int(number == 1)},{number},{visibility}"
        for track, (number, visibility) in enumerate(((1, "0.86"), (7, "1"), (8, "0.10067"), (12, "0")), 1)
        for frame in range(1, 9)
    ]
    _text(folder / "MOT17-02-FRCNN" / "gt" / "gt.txt", "\n".join(rows) + "\n")
    _text(
        folder / "MOT17-02-FRCNN" / "seqinfo.ini",
        "[Sequence]\nname=MOT17-02-FRCNN\nimDir=img1\nframeRate=30\nseqLength=12\nimWidth=640\nimHeight=480\n"
        "imExt=.jpg\n",
    )
    return folder / "MOT17-02-FRCNN"


def mot15(folder: Path) -> Path:
    """MOT15: ten columns with world coordinates, blanks after commas, CRLF, no end of the last line."""
    rows = [f"{f}, {t}, {90 * t + f}, {30 + f}, 20, 40, 1, -1, {t}.5, -1" for f in range(1, 7) for t in (1, 2)]
    return _text(folder / "gt" / "gt.txt", "\r\n".join(rows))


def coco_document() -> dict[str, Any]:
    """COCO with masks, RLE, key points, crowds, supercategories and licences; ids of images begin at 1001."""
    annotations: list[dict[str, Any]] = []
    for number in range(10):
        x, y = 20 + 30 * number, 15 + 20 * number
        entry: dict[str, Any] = {
            "id": 900 + 3 * number,
            "image_id": 1001 + number % 4,
            "category_id": (18, 1, 3)[number % 3],
            "bbox": [x, y, 40, 50.5],
            "area": 2020.0,
            "iscrowd": 0,
            "segmentation": [],
        }
        if number == 2:
            entry |= {"segmentation": [[x, y, x + 40, y, x + 20, y + 50.5]], "area": 1010.0}
        if number == 5:
            entry |= {"segmentation": {"counts": "PPYo1", "size": [480, 640]}, "iscrowd": 1}
        if number == 1:
            entry |= {"keypoints": [x, y, 2, 0, 0, 0], "num_keypoints": 1}
        if number == 3:
            entry["attributes"] = {"occluded": False, "pose": "sitting", "score_by": None}
        annotations.append(entry)
    return {
        "info": {"description": "Straße", "year": 2024, "date_created": "2024/01/01"},
        "licenses": [{"id": 4, "name": "CC", "url": "https://example.org"}],
        "images": [
            {"id": 1001 + n, "file_name": f"frame_{n:06d}.jpg", "width": 640, "height": 480, "license": 4}
            for n in range(4)
        ],
        "annotations": annotations,
        "categories": [
            {"supercategory": "animal", "id": 18, "name": "dog"},
            {"supercategory": "person", "id": 1, "name": "person", "keypoints": ["nose", "tail"]},
            {"supercategory": "vehicle", "id": 3, "name": "car"},
        ],
    }


def coco(folder: Path) -> Path:
    """With an indent and characters as they are."""
    return _text(folder / "instances.json", json.dumps(coco_document(), indent=2, ensure_ascii=False) + "\n")


def coco_compact(folder: Path) -> Path:
    """As pycocotools and most scripts write it: one line."""
    return _text(folder / "instances.json", json.dumps(coco_document()))


def coco_by_line(folder: Path) -> Path:
    """One annotation a line."""
    document = coco_document()
    annotations = document.pop("annotations")
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in annotations)
    return _text(folder / "gt.json", f'{json.dumps(document)[:-1]},\n"annotations": [\n{lines}\n]}}\n')


def roboflow(folder: Path) -> Path:
    """Roboflow: names with hashes, polygons, no end of the last line, extras in data.yaml."""
    labels = folder / "street" / "train" / "labels"
    for number, name in enumerate(ROBOFLOW[:3]):
        rows = [f"{n % 2} 0.{2 + n}5 0.4 0.1 0.{number + 1}2345678901" for n in range(3)]
        rows.insert(1, "0 0.1 0.1 0.2 0.1 0.3 0.3 0.1 0.4")
        _text(labels / f"{name}.txt", "\n".join(rows))
    _text(
        folder / "street" / "data.yaml",
        "train: ../train/images\nval: ../valid/images\n\nnc: 2\nnames: ['car', 'traffic light']\n\n"
        "roboflow:\n  workspace: w\n  url: https://example.org\n",
    )
    return labels


def yolo_crlf(folder: Path) -> Path:
    """YOLO with classes.txt, tabs and CRLF."""
    for number, name in enumerate(ROBOFLOW[:3]):
        rows = [f"{n}\t0.5\t0.{3 + n}\t0.20\t0.{number + 1}0" for n in range(2)]
        _text(folder / "labels" / f"{name}.txt", "".join(f"{row}\r\n" for row in rows))
    _text(folder / "labels" / "classes.txt", "car\r\nbus\r\n")
    return folder / "labels"


def voc(folder: Path) -> Path:
    """As labelImg writes it, with parts, a path and tabs."""
    for number in range(3):
        objects = "".join(
            "\t<object>\n"
            f"\t\t<name>{name}</name>\n\t\t<pose>Frontal</pose>\n\t\t<truncated>1</truncated>\n"
            "\t\t<difficult>0</difficult>\n\t\t<bndbox>\n"
            f"\t\t\t<xmin>{x}</xmin>\n\t\t\t<ymin>20</ymin>\n\t\t\t<xmax>{x + 50}</xmax>\n\t\t\t<ymax>90.5</ymax>\n"
            "\t\t</bndbox>\n\t\t<part>\n\t\t\t<name>head</name>\n\t\t\t<bndbox><xmin>1</xmin><ymin>2</ymin>"
            "<xmax>3</xmax><ymax>4</ymax></bndbox>\n\t\t</part>\n\t</object>\n"
            for name, x in (("Hund &amp; Katze", 10 + number), ("person", 200))
        )
        _text(
            folder / "Annotations" / f"img_{number + 1}.xml",
            f"<annotation>\n\t<folder>images</folder>\n\t<filename>img_{number + 1}.jpg</filename>\n"
            f"\t<path>C:\\data\\img_{number + 1}.jpg</path>\n"
            "\t<source>\n\t\t<database>Unknown</database>\n\t</source>\n"
            "\t<size>\n\t\t<width>640</width>\n\t\t<height>480</height>\n\t\t<depth>3</depth>\n\t</size>\n"
            f"\t<segmented>0</segmented>\n{objects}</annotation>\n",
        )
    return folder / "Annotations"


def _labelme(folder: Path, version: str, shape: Callable[[str, list[list[float]]], dict[str, Any]]) -> Path:
    for number in range(3):
        shapes = [
            shape("dog", [[60.5 + number, 80], [10, 20.25]]),
            shape("outline", [[1, 1], [5, 1], [5, 9]]) | {"shape_type": "polygon"},
            shape("Bär", [[200, 30], [260, 90]]),
        ]
        document = {
            "version": version,
            "flags": {"night": True},
            "shapes": shapes,
            "imagePath": f"img_{number + 1}.jpg",
            "imageData": "aGVsbG8=",
            "imageHeight": 480,
            "imageWidth": 640,
        }
        _text(folder / "labels" / f"img_{number + 1}.json", json.dumps(document, indent=2, ensure_ascii=False))
    return folder / "labels"


def labelme_3(folder: Path) -> Path:
    """Version 3: colours, no group."""
    return _labelme(
        folder,
        "3.16.7",
        lambda label, points: {
            "label": label,
            "line_color": None,
            "fill_color": None,
            "points": points,
            "shape_type": "rectangle",
            "flags": {},
        },
    )


def labelme_4(folder: Path) -> Path:
    """Version 4: groups."""
    return _labelme(
        folder,
        "4.5.13",
        lambda label, points: {
            "label": label,
            "points": points,
            "group_id": None,
            "shape_type": "rectangle",
            "flags": {"front": True},
        },
    )


def labelme_5(folder: Path) -> Path:
    """Version 5: descriptions and masks."""
    return _labelme(
        folder,
        "5.5.0",
        lambda label, points: {
            "label": label,
            "points": points,
            "group_id": None,
            "description": "seen twice",
            "shape_type": "rectangle",
            "flags": {},
            "mask": None,
        },
    )


_CVAT_LABELS = """<labels>
        <label>
          <name>car</name>
          <color>#33ddff</color>
          <type>any</type>
          <attributes>
            <attribute>
              <name>parked</name>
              <mutable>True</mutable>
              <input_type>checkbox</input_type>
              <default_value>false</default_value>
              <values>false</values>
            </attribute>
          </attributes>
        </label>
        <label>
          <name>bus</name>
          <color>#ff0000</color>
          <attributes>
          </attributes>
        </label>
      </labels>"""


def _cvat_box(frame: int, x: float, *, key: bool = True, outside: bool = False) -> str:
    return (
        f'    <box frame="{frame}" keyframe="{int(key)}" outside="{int(outside)}" occluded="0" xtl="{x:.2f}" '
        f'ytl="30.25" xbr="{x + 40:.2f}" ybr="90.00" z_order="1">\n'
        '      <attribute name="parked">false</attribute>\n    </box>\n'
    )


def cvat_task(folder: Path) -> Path:
    """A task's dump "for video": every box of two tracks, with a polygon track."""
    first = "".join(_cvat_box(f, 20 + 4 * f, key=f in {0, 6}) for f in range(7))
    second = "".join(_cvat_box(f, 300, key=f == 2) for f in range(2, 12))
    return _text(
        folder / "annotations.xml",
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <task>\n'
        "      <id>12</id>\n      <name>straße</name>\n      <size>12</size>\n      <mode>interpolation</mode>\n"
        "      <start_frame>0</start_frame>\n      <stop_frame>11</stop_frame>\n      <frame_filter></frame_filter>\n"
        f"      {_CVAT_LABELS}\n      <owner>\n        <username>me</username>\n      </owner>\n"
        "      <original_size>\n        <width>640</width>\n        <height>480</height>\n      </original_size>\n"
        "    </task>\n    <dumped>2024-02-02 10:00:00</dumped>\n  </meta>\n"
        f'  <track id="0" label="car" source="manual">\n{first}{_cvat_box(7, 48, outside=True)}  </track>\n'
        '  <track id="1" label="car" source="manual">\n    <polygon frame="1" keyframe="1" outside="0" occluded="0" '
        'points="1.0,2.0;3.0,4.0;5.0,6.0" z_order="0">\n    </polygon>\n  </track>\n'
        f'  <track id="5" label="bus" source="manual">\n{second}  </track>\n</annotations>\n',
    )


def cvat_job(folder: Path) -> Path:
    """A job's dump with key frames only, as scripts write them."""
    keys = _cvat_box(0, 20) + _cvat_box(6, 44) + _cvat_box(9, 44, outside=True)
    return _text(
        folder / "job.xml",
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <job>\n'
        "      <id>3</id>\n      <size>12</size>\n"
        "      <start_frame>0</start_frame>\n      <stop_frame>11</stop_frame>\n"
        f"      {_CVAT_LABELS}\n    </job>\n  </meta>\n"
        f'  <track id="2" label="car" source="semi-auto">\n{keys}  </track>\n</annotations>\n',
    )


def cvat_images(folder: Path) -> Path:
    """A project's dump "for images" with two tasks, of which one is read: boxes, points and tags."""
    images = "".join(
        f'  <image id="{n}" name="img_{n:02d}.jpg" subset="default" task_id="7" width="640" height="480">\n'
        + "".join(
            f'    <box label="{label}" source="manual" occluded="0" xtl="{x}.10" ytl="20.00" xbr="{x + 60}.90" '
            f'ybr="80.00" z_order="{z}">\n      <attribute name="parked">true</attribute>\n    </box>\n'
            for z, (label, x) in enumerate((("car", 10 + n), ("bus", 300)))
        )
        + '    <points label="car" source="manual" occluded="0" points="1.0,2.0" z_order="0">\n    </points>\n'
        '    <tag label="car" source="manual">\n    </tag>\n  </image>\n'
        for n in range(4)
    )
    other = (
        '  <image id="4" name="other.jpg" task_id="8" width="320" height="240">\n    <box label="car" source="manual" '
        'occluded="0" xtl="1.00" ytl="2.00" xbr="30.00" ybr="40.00" z_order="0">\n    </box>\n  </image>\n'
    )
    tasks = "".join(
        f"        <task>\n          <id>{n}</id>\n          <name>{name}</name>\n          <size>4</size>\n"
        "        </task>\n"
        for n, name in ((7, "street"), (8, "other"))
    )
    return _text(
        folder / "annotations.xml",
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <project>\n'
        f"      <id>2</id>\n      <tasks>\n{tasks}      </tasks>\n      {_CVAT_LABELS}\n    </project>\n  </meta>\n"
        f"{images}{other}</annotations>\n",
    )


def label_studio(folder: Path) -> Path:
    """A video export: key frames with times, a region of another type, meta data."""

    def key(frame: int, x: float, *, on: bool = True) -> dict[str, Any]:
        rect = {"x": x, "y": 12.5, "width": 20.25, "height": 25}
        return {"frame": frame, "enabled": on, "rotation": 0, **rect, "time": round(frame / 25, 4)}

    def region(id: str, label: str, *keys: dict[str, Any]) -> dict[str, Any]:
        return {
            "value": {"framesCount": 12, "duration": 0.48, "sequence": list(keys), "labels": [label]},
            "id": id,
            "from_name": "box",
            "to_name": "video",
            "type": "videorectangle",
            "origin": "manual",
        }

    results = [
        region("Xa1", "car", key(1, 10), key(5, 20), key(8, 26, on=False)),
        {"value": {"choices": ["night"]}, "id": "c", "from_name": "light", "to_name": "video", "type": "choices"},
        region("Yb2", "bus", key(2, 50.5)),
    ]
    task = {
        "id": 1,
        "annotations": [{"id": 5, "completed_by": 1, "result": results, "was_cancelled": False, "lead_time": 31.4}],
        "data": {"video": "/data/upload/1/0a1b2c3d-clip.mp4"},
        "meta": {},
        "total_annotations": 1,
    }
    return _text(folder / "project.json", json.dumps([task], indent=2))


def box_csv(folder: Path) -> Path:
    """With columns of another program, quoted cells and a line break in one."""
    rows = ["frameID,x1,y1,x2,y2,class,id,note"]
    rows += [f'{f},{10 + f},{20.5},{60 + f},90.00,"big, red",{t},"a ""b"""' for f in range(4) for t in (1, 2)]
    rows.append('4,1,2,30,40,car,1,"two\r\nlines"')
    return _text(folder / "boxes.csv", "\r\n".join(rows) + "\r\n")


_IMAGES = ReadContext(size=SIZE, frame_count=4, image_names=tuple(f"{name}.jpg" for name in ROBOFLOW))
_NUMBERED = ReadContext(size=SIZE, frame_count=4, image_names=tuple(f"img_{n}.jpg" for n in range(1, 5)))

LAYOUTS = (
    Layout("MOT17", mot17, 1, ReadContext(size=SIZE, frame_count=12), new_track=9),
    Layout("MOT15", mot15, 1, new_track=9),
    Layout("COCO", coco, 5),
    Layout("COCO in one line", coco_compact, 1),
    Layout("COCO by line", coco_by_line, 1),
    Layout("Roboflow", roboflow, 1, _IMAGES),
    Layout("YOLO with CRLF", yolo_crlf, 1, _IMAGES),
    Layout("VOC", voc, 4, _NUMBERED),
    Layout("labelme 3", labelme_3, 4, _NUMBERED),
    Layout("labelme 4", labelme_4, 4, _NUMBERED),
    Layout("labelme 5", labelme_5, 4, _NUMBERED),
    Layout("CVAT task", cvat_task, 3, one_class_a_track=True, new_track=9),
    Layout("CVAT job", cvat_job, 12, one_class_a_track=True, new_track=9),
    Layout("CVAT images", cvat_images, 1, ReadContext(size=SIZE, frame_count=4, task="street")),
    Layout("Label Studio", label_studio, 33, one_class_a_track=True, new_track=9),
    Layout("box CSV", box_csv, 1, new_track=9),
)
