"""Readers of other tools' formats: small files in the layout of each tool, with every part that the reader uses."""

from __future__ import annotations

import json

import pytest

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext, UncertainReadingError
from iouviewer.formats.registry import detect, read_boxes
from tests.formats.helpers import rects

VGA = ReadContext(size=(640, 480))
TRUTH, PREDICTIONS = ImportKind.GROUND_TRUTH, ImportKind.PREDICTIONS


def save(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def read(path, expected, **context):
    """What a file has, after its format was found."""
    assert detect(path).format == expected
    return read_boxes(path, ReadContext(**{"size": (640, 480), **context}))


def names(boxes):
    return [boxes.class_names[one] if one >= 0 else "" for one in boxes.class_ids.tolist()]


def has(boxes, flag):
    return [bool(one & flag) for one in boxes.flags.tolist()]


# VisDrone, UAVDT, KITTI, DarkLabel: text


def test_visdrone_labels_of_images(tmp_path):
    folder = tmp_path / "annotations"
    save(folder, "0000001_02999_d_0000005.txt", "10,20,30,40,1,4,0,0\n50,60,20,20,0,0,0,0,\n1,2,3,4,1,11,1,2\n")
    save(folder, "0000001_03999_d_0000006.txt", "10,20,30,40,1,1,0,1\n")
    found = read(folder, "visdrone", image_names=("0000001_02999_d_0000005.jpg", "0000001_03999_d_0000006.jpg"))
    assert rects(found) == [(10, 20, 40, 60), (50, 60, 70, 80), (1, 2, 4, 6), (10, 20, 40, 60)]
    assert found.frames.tolist() == [0, 0, 0, 1]
    assert names(found) == ["car", "", "others", "pedestrian"]
    assert has(found, BoxFlag.IGNORED) == [False, True, True, False]
    assert has(found, BoxFlag.TRUNCATED) == [False, False, True, False]
    assert has(found, BoxFlag.OCCLUDED) == [False, False, True, True]
    assert found.scores is None
    scored = save(tmp_path / "results", "a1.txt", "10,20,30,40,0.75,4,-1,-1\n")
    assert detect(scored).kind is PREDICTIONS
    assert read(scored, "visdrone", kind=PREDICTIONS).scores.tolist() == [0.75]


def test_uavdt_is_not_taken_for_motchallenge(tmp_path):
    path = save(tmp_path, "M0101_gt_whole.txt", "1,1,10,20,30,40,1,1,1\n2,1,11,20,30,40,3,2,3\n")
    found = read(path, "uavdt")
    assert rects(found)[0] == (10, 20, 40, 60)
    assert found.frames.tolist() == [0, 1]
    assert names(found) == ["car", "bus"]
    assert has(found, BoxFlag.TRUNCATED) == has(found, BoxFlag.OCCLUDED) == [False, True]
    mot = save(tmp_path, "gt.txt", "1,1,10,20,30,40,1,1,1\n2,1,11,20,30,40,1,1,0.5\n")
    assert detect(mot).format == "mot"
    all_one = save(tmp_path, "gt2.txt", "1,1,10,20,30,40,1,1,1\n")
    assert detect(all_one).format == "mot"


KITTI = (
    "0 -1 DontCare -1 -1 -10 219.3 188.5 245.5 218.6 -1000 -1000 -1000 -10 -1 -1 -1\n"
    "0 0 Van 0 0 -1.793451 296.744956 161.752147 455.226042 292.372804 2.0 1.823255 4.433886 -4.55 1.85 13.41 -2.1\n"
    "3 2 Pedestrian 1 2 -1.9 10 20 30 40 1.7 0.8 0.9 1 2 3 -2.1\n"
)


def test_kitti_tracking(tmp_path):
    found = read(save(tmp_path, "0000.txt", KITTI), "kitti")
    assert rects(found)[1:] == [(296.744956, 161.752147, 455.226042, 292.372804), (10, 20, 30, 40)]
    assert found.frames.tolist() == [0, 0, 3]
    assert names(found) == ["", "Van", "Pedestrian"]
    assert found.track_ids.tolist() == [-1, 0, 2]
    assert has(found, BoxFlag.IGNORED) == [True, False, False]
    assert has(found, BoxFlag.TRUNCATED) == has(found, BoxFlag.OCCLUDED) == [False, False, True]
    scored = save(tmp_path, "r.txt", "\n".join(f"{line} 0.5" for line in KITTI.splitlines()))
    assert read(scored, "kitti").kind is PREDICTIONS
    assert len(read(save(tmp_path, "bad.txt", KITTI + "1 2 Car\n"), "kitti").refused) == 1


def test_darklabel(tmp_path):
    found = read(save(tmp_path, "v.txt", "0,person,1,10,20,30,40\n5,vehicle,2,1,2,3,4\n"), "darklabel")
    assert rects(found) == [(10, 20, 40, 60), (1, 2, 4, 6)]
    assert found.frames.tolist() == [0, 5]
    assert names(found) == ["person", "vehicle"]
    assert found.track_ids.tolist() == [1, 2]
    by_name = save(tmp_path, "i.txt", "a_1.png,person,1,10,20,30,40\na_2.png,person,1,10,20,30,40\n")
    assert read(by_name, "darklabel", image_names=("a_1.png", "a_2.png")).frames.tolist() == [0, 1]
    several = save(tmp_path, "o.txt", "0,2,1,10,20,30,40,person,2,1,2,3,4,dog\n")
    assert detect(several).format == "darklabel"
    with pytest.raises(UserError, match="several objects each"):
        read_boxes(several)


# Scalabel, Datumaro, DIVE, OpenLABEL: JSON


def test_bdd100k_and_scalabel(tmp_path):
    frames = [
        {
            "name": "v-0000001.jpg",
            "videoName": "v",
            "frameIndex": 0,
            "labels": [
                {
                    "id": "7",
                    "category": "car",
                    "attributes": {"occluded": True, "truncated": False, "crowd": False, "colour": "red"},
                    "box2d": {"x1": 10, "y1": 20, "x2": 30.5, "y2": 40},
                },
                {"id": "8", "category": "lane", "attributes": {}},
            ],
        },
        {"name": "v-0000002.jpg", "videoName": "v", "frameIndex": 1, "labels": None},
    ]
    for content in (frames, {"frames": frames, "config": {}}):
        found = read(save(tmp_path, "s.json", content), "scalabel")
        assert rects(found) == [(10, 20, 30.5, 40)]
        assert found.frames.tolist() == [0]
        assert found.labelled.tolist() == [0, 1]
        assert names(found) == ["car"]
        assert found.track_ids.tolist() == [7]
        assert has(found, BoxFlag.OCCLUDED) == [True]
        assert found.attribute_sets == ((("colour", "red"),),)
    old = {
        "name": "x",
        "frames": [{"timestamp": 1, "objects": [{"category": "car", "box2d": frames[0]["labels"][0]["box2d"]}]}],
    }
    assert rects(read(save(tmp_path, "old.json", old), "scalabel")) == [(10, 20, 30.5, 40)]
    frames.append({"name": "w-1.jpg", "videoName": "w", "frameIndex": 0, "labels": []})
    with pytest.raises(UncertainReadingError, match="contains 2 videos"):
        read_boxes(save(tmp_path, "two.json", frames))


DATUMARO = {
    "info": {},
    "categories": {
        "label": {"labels": [{"name": "cat", "parent": ""}, {"name": "dog", "parent": ""}], "attributes": []}
    },
    "items": [
        {
            "id": "frame_000000",
            "annotations": [
                {
                    "id": 0,
                    "type": "bbox",
                    "attributes": {"occluded": True, "track_id": 3, "pose": "up"},
                    "group": 0,
                    "label_id": 1,
                    "z_order": 0,
                    "bbox": [10.0, 20.0, 30.0, 40.0],
                },
                {"type": "polygon", "attributes": {}, "label_id": 0, "points": [1, 2, 11, 2, 6, 12]},
                {"type": "mask", "label_id": 0, "rle": {"counts": [6, 2, 3, 1], "size": [5, 4]}},
                {"type": "label", "label_id": 0, "attributes": {}},
            ],
            "attr": {"frame": 0},
            "image": {"path": "frame_000000.PNG", "size": [480, 640]},
        }
    ],
}


def test_datumaro_and_what_to_do_with_shapes(tmp_path):
    path = save(tmp_path, "default.json", DATUMARO)
    with pytest.raises(UncertainReadingError, match="the file has 1 polygon, 1 mask beside boxes") as caught:
        read(path, "datumaro")
    assert [one.option for one in caught.value.choices] == ["--shapes envelope", "--shapes skip"]
    skipped = read(path, "datumaro", shapes="skip")
    assert rects(skipped) == [(10, 20, 40, 60)]
    assert names(skipped) == ["dog"]
    assert skipped.class_numbers == (0, 1)
    assert skipped.track_ids.tolist() == [3]
    assert skipped.size == (640, 480)
    assert skipped.attribute_sets == ((("pose", "up"),),)
    assert "1 polygon, 1 mask left out" in skipped.notes
    boxed = read(path, "datumaro", shapes="envelope")
    assert rects(boxed)[1:] == [(1, 2, 11, 12), (1, 1, 3, 3)]


def test_damage_is_not_hidden_among_shapes(tmp_path):
    content = json.loads(json.dumps(DATUMARO))
    content["items"][0]["annotations"].append({"type": "bbox", "label_id": 0, "bbox": [1, 2, "wide", 4]})
    found = read(save(tmp_path, "d.json", content), "datumaro", shapes="skip")
    [refused] = found.refused
    assert "annotations[4]" in refused.reason


def test_viame_csv(tmp_path):
    header = (
        "# 1: Detection or Track-id,2: Video or Image Identifier,3: Unique Frame Identifier,4-7: Img-bbox(TL_x,TL_y,"
        "BR_x,BR_y),8: Detection or Length Confidence,9: Target Length (0 or -1 if invalid),10-11+: Repeated Species,"
        "Confidence Pairs\n"
        "# metadata,fps: 5\n"
    )
    rows = "0,a.png,0,10,20,30,40,0.9,-1,cod,0.3,hake,0.6,(kp) head 1 2\n1,b.png,4,1,2,3,4,0.5,-1,cod,0.5\n"
    for text in (header + rows, rows):
        found = read(save(tmp_path, "v.csv", text), "viame")
        assert rects(found) == [(10, 20, 30, 40), (1, 2, 3, 4)]
        assert found.frames.tolist() == [0, 4]
        assert names(found) == ["hake", "cod"]
        assert found.scores.tolist() == [0.6, 0.5]
        assert found.track_ids.tolist() == [0, 1]
    people = read(save(tmp_path, "gt.csv", "0,a.png,0,10,20,30,40,1,-1,cod,1\n"), "viame")
    assert people.kind is TRUTH
    assert people.scores is None


def test_dive_interpolates_where_it_says_so(tmp_path):
    def feature(frame, x, *, interpolate):
        return {"frame": frame, "bounds": [x, 0, x + 10, 10], "keyframe": True, "interpolate": interpolate}

    track = {
        "begin": 0,
        "end": 9,
        "trackId": 5,
        "confidencePairs": [["fish", 1.0]],
        "attributes": {},
        "features": [
            feature(0, 0, interpolate=True),
            feature(4, 40, interpolate=False),
            feature(9, 90, interpolate=False),
        ],
    }
    found = read(save(tmp_path, "d.json", {"tracks": {"5": track}, "groups": {}, "version": 2}), "dive")
    assert found.frames.tolist() == [0, 1, 2, 3, 4, 9]
    assert rects(found)[1] == (10, 0, 20, 10)
    assert has(found, BoxFlag.INTERPOLATED) == [False, True, True, True, False, False]
    assert names(found) == ["fish"] * 6
    assert set(found.track_ids.tolist()) == {5}


def test_openlabel_boxes_are_centre_and_size(tmp_path):
    data = {
        "bbox": [{"name": "shape", "val": [20, 30, 20, 20]}],
        "rbbox": [{"name": "r", "val": [50, 50, 20, 10, 1.5707963]}],
    }
    content = {
        "openlabel": {
            "metadata": {"schema_version": "1.0.0"},
            "objects": {"1": {"name": "car1", "type": "Car"}},
            "frames": {"0": {"objects": {"1": {"object_data": data}}}, "1": {"objects": {}}},
        }
    }
    path = save(tmp_path, "o.json", content)
    found = read(path, "openlabel", shapes="skip")
    assert rects(found) == [(10, 20, 30, 40)]
    assert names(found) == ["Car"]
    assert found.labelled.tolist() == [0, 1]
    boxed = read(path, "openlabel", shapes="envelope")
    assert rects(boxed)[1] == pytest.approx((45, 40, 55, 60), abs=1e-4)


# VIA, CrowdHuman, Label Studio: images

VIA_REGIONS = [
    {
        "shape_attributes": {"name": "rect", "x": 10, "y": 20, "width": 30, "height": 40},
        "region_attributes": {"type": "cup"},
    },
    {
        "shape_attributes": {"name": "polygon", "all_points_x": [1, 9, 5], "all_points_y": [2, 2, 8]},
        "region_attributes": {"type": "cup"},
    },
]


@pytest.mark.parametrize("layout", ["project", "annotations", "VIA 1"])
def test_via_json(tmp_path, layout):
    regions = {str(i): one for i, one in enumerate(VIA_REGIONS)} if layout == "VIA 1" else VIA_REGIONS
    files = {"a1.jpg123": {"filename": "a1.jpg", "size": 123, "regions": regions, "file_attributes": {}}}
    content = {"_via_settings": {}, "_via_img_metadata": files, "_via_attributes": {}} if layout == "project" else files
    found = read(save(tmp_path, "via.json", content), "via", shapes="envelope")
    assert rects(found) == [(10, 20, 40, 60), (1, 2, 9, 8)]
    assert names(found) == ["cup", "cup"]


@pytest.mark.parametrize("mark", ["#", ""])
def test_via_csv(tmp_path, mark):
    header = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    quoted = [json.dumps(VIA_REGIONS[0][part]).replace('"', '""') for part in ("shape_attributes", "region_attributes")]
    row = f'a1.jpg,123,"{{}}",1,0,"{quoted[0]}","{quoted[1]}"\n'
    empty = 'a2.jpg,123,"{}",0,0,"{}","{}"\n'
    found = read(save(tmp_path, "via.csv", mark + header + row + empty), "via")
    assert rects(found) == [(10, 20, 40, 60)]
    assert names(found) == ["cup"]
    assert found.labelled.tolist() == [0, 1]


def test_via_asks_for_the_attribute_that_is_the_class(tmp_path):
    regions = [{**VIA_REGIONS[0], "region_attributes": {"colour": "red", "size": "big"}}]
    path = save(tmp_path, "via.json", {"a": {"filename": "a.jpg", "size": 1, "regions": regions}})
    with pytest.raises(UserError, match="which attribute of the regions is their class: colour, size"):
        read_boxes(path)


def test_crowdhuman(tmp_path):
    person = {
        "tag": "person",
        "fbox": [10, 20, 30, 40],
        "vbox": [1, 1, 1, 1],
        "hbox": [2, 2, 2, 2],
        "extra": {"occ": 1},
    }
    region = {"tag": "mask", "fbox": [50, 60, 20, 20], "vbox": [], "hbox": [], "extra": {"ignore": 1}}
    lines = [{"ID": "273271,c9db000d5146c15", "gtboxes": [person, region]}, {"ID": "273271,1", "gtboxes": []}]
    path = save(tmp_path, "annotation_val.odgt", "\n".join(map(json.dumps, lines)))
    found = read(path, "crowdhuman", image_names=("273271,1.jpg", "273271,c9db000d5146c15.jpg"))
    assert rects(found) == [(10, 20, 40, 60), (50, 60, 70, 80)]
    assert found.frames.tolist() == [1, 1]
    assert names(found) == ["person", ""]
    assert has(found, BoxFlag.IGNORED) == [False, True]
    assert has(found, BoxFlag.OCCLUDED) == [True, False]
    results = save(
        tmp_path, "r.odgt", json.dumps({"ID": "a1", "dtboxes": [{"box": [1, 2, 3, 4], "score": 0.5, "tag": "person"}]})
    )
    assert read(results, "crowdhuman").scores.tolist() == [0.5]


def studio_result(rotation=0, kind="rectanglelabels", **more):
    value = {"x": 10, "y": 20, "width": 50, "height": 25, "rotation": rotation, kind: ["Moonwalker"], **more}
    return {"type": kind, "original_width": 200, "original_height": 100, "value": value}


def test_label_studio_images(tmp_path):
    task = {
        "id": 1,
        "data": {"image": "/data/upload/3/8a7b6c5d-night%201.jpg"},
        "annotations": [{"id": 5, "was_cancelled": True, "result": [studio_result()]}, {"result": [studio_result()]}],
        "predictions": [{"result": [{**studio_result(), "score": 0.5}, studio_result()]}],
    }
    path = save(tmp_path, "ls.json", [task])
    found = read(path, "labelstudio_images", size=None)
    assert rects(found) == [(20, 20, 120, 45)]
    assert names(found) == ["Moonwalker"]
    assert found.images.names == ("8a7b6c5d-night 1.jpg",)
    assert found.size == (200, 100)
    task["annotations"].append({"result": [studio_result()]})
    with pytest.raises(UserError, match="the task 1 has 2 annotations"):
        read_boxes(save(tmp_path, "two.json", [task]))


def test_label_studio_min(tmp_path):
    label = {**studio_result()["value"], "original_width": 200, "original_height": 100}
    content = [{"image": "/data/local-files/?d=set/a1.jpg", "id": 1, "label": [label], "annotator": 1}]
    found = read(save(tmp_path, "min.json", content), "labelstudio_images", size=None)
    assert rects(found) == [(20, 20, 120, 45)]
    assert found.images.names == ("a1.jpg",)


def test_a_rotated_box_turns_about_its_corner_in_pixels(tmp_path):
    task = {"id": 1, "data": {"image": "a1.jpg"}, "annotations": [{"result": [studio_result(rotation=90)]}]}
    found = read(save(tmp_path, "ls.json", [task]), "labelstudio_images", size=None, shapes="envelope")
    assert rects(found)[0] == pytest.approx((-5, 20, 20, 120))


# Recognised and not read

NAMED = {
    "V7 Darwin JSON": {"version": "2.0", "item": {"name": "a.jpg", "slots": []}, "annotations": [{"bounding_box": {}}]},
    "Supervisely JSON": {"size": {}, "objects": [{"classTitle": "rect", "geometryType": "rectangle"}]},
    "SuperAnnotate JSON": {"metadata": {"name": "a"}, "instances": [{"className": "x", "points": {}}]},
    "Labelbox export": {"data_row": {"id": "x"}, "projects": {}},
    "Create ML JSON": [{"image": "a.jpg", "annotations": [{"label": "x", "coordinates": {"x": 1}}]}],
    "VIA 3 JSON": {"project": {"vid_list": []}, "metadata": {"1": {"vid": "1", "xy": [2, 1, 1, 1, 1]}}},
}


@pytest.mark.parametrize("name", NAMED)
def test_known_formats_without_a_reader_are_named_with_a_way_out(tmp_path, name):
    path = save(tmp_path, "a.json", NAMED[name])
    with pytest.raises(UserError) as caught:
        read_boxes(path)
    assert f"this is {name}" in str(caught.value)
    assert "Export it as COCO JSON" in str(caught.value)


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"\x89HDF\r\n\x1a\n", "HDF5"), (b"\x80\x04\x95", "Python pickle"), (b"MATLAB 5.0 MAT-file" + bytes(9), "MATLAB")],
)
def test_binary_files_are_named(tmp_path, head, name):
    path = tmp_path / "a.bin"
    path.write_bytes(head + b"abc" * 20)
    with pytest.raises(UserError, match=f"this is (a )?{name}"):
        read_boxes(path)
