"""What is read is written back: unedited texts as they are, and an edit changes only its own lines."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes
from iouviewer.formats.interface import BoxesToWrite, ReadContext
from iouviewer.formats.patching.source import PATCHERS, PatchedSource, patch_source
from iouviewer.formats.registry import read_boxes
from tests.formats.layouts import LAYOUTS, SIZE, Layout, roboflow

BY_NAME = {layout.name: layout for layout in LAYOUTS}
Box = tuple[int, tuple[float, ...], str, int]


def now_of(boxes: ImportedBoxes, layout: Layout) -> BoxesToWrite:
    """The boxes as a document has them right after the import."""
    return BoxesToWrite(
        frames=boxes.frames,
        boxes=boxes.boxes,
        class_ids=boxes.class_ids,
        class_names=boxes.class_names,
        scores=None,
        track_ids=boxes.track_ids,
        flags=boxes.flags,
        attribute_sets=boxes.attribute_sets,
        size=SIZE,
        frame_count=layout.context.frame_count or 12,
        labelled=boxes.labelled,
        image_names=layout.context.image_names,
    )


@pytest.fixture(scope="module")
def sources() -> Iterator[dict[str, tuple[Path, ImportedBoxes]]]:
    """Path and boxes of each layout."""
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for number, layout in enumerate(LAYOUTS):
            path = layout.write(Path(folder) / str(number))
            boxes = read_boxes(path, replace(layout.context, keep_texts=True))
            assert len(boxes) > 4
            found[layout.name] = path, boxes
        yield found


def changed_lines(boxes: ImportedBoxes, patched: PatchedSource) -> dict[str, list[str]]:
    """The lines that differ, by file: ``-old`` and ``+new``."""
    assert boxes.texts is not None
    before = dict(zip(boxes.texts.names, boxes.texts.contents(), strict=True))
    return {
        name: [
            line
            for line in difflib.unified_diff(
                before.get(name, b"").decode().splitlines(), data.decode().splitlines(), n=0, lineterm=""
            )
            if line[:1] in "+-" and not line.startswith(("+++", "---"))
        ]
        for name, data in patched.changed.items()
    }


def read_after(layout: Layout, boxes: ImportedBoxes, patched: PatchedSource) -> ImportedBoxes:
    """What the reader finds in the new files, in another folder."""
    assert boxes.texts is not None
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).joinpath(*Path(boxes.texts.root).parts[-2:])
        contents = dict(zip(boxes.texts.names, boxes.texts.contents(), strict=True)) | patched.changed
        for name, data in contents.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        copy = root / Path(boxes.texts.path).relative_to(boxes.texts.root)
        return read_boxes(copy, replace(layout.context, trust_columns=True), format=boxes.format)


def bag(frames: object, boxes: object, names: list[str], *, tracks: object = None) -> Counter[object]:
    """Boxes without an order, to a hundredth of a pixel; edits are no hundredths, so that none is on the edge."""
    rects = np.round(np.asarray(boxes).T + 0.0013, 2).tolist()
    listed = np.asarray(frames).tolist()
    numbers = [-1] * len(listed) if tracks is None else np.asarray(tracks).tolist()
    return Counter((f, tuple(r), n, t) for f, r, n, t in zip(listed, rects, names, numbers, strict=True))


def names_of(class_ids: object, names: tuple[str, ...]) -> list[str]:
    return [names[c] if c >= 0 else "" for c in np.asarray(class_ids).tolist()]


def test_all_formats_that_can_be_patched_have_a_layout(sources: dict[str, tuple[Path, ImportedBoxes]]) -> None:
    assert {boxes.format for _path, boxes in sources.values()} == set(PATCHERS)


@pytest.mark.parametrize("name", BY_NAME)
def test_without_an_edit_every_byte_stays(name: str, sources: dict[str, tuple[Path, ImportedBoxes]]) -> None:
    path, boxes = sources[name]
    assert boxes.texts is not None
    for kept, data in zip(boxes.texts.paths(), boxes.texts.contents(), strict=True):
        assert kept.read_bytes() == data
    assert path.exists()
    patched = patch_source(boxes.texts, None, now_of(boxes, BY_NAME[name]), np.arange(len(boxes)), boxes.classes)
    assert patched.changed == {}
    assert patched.edits.is_empty


def as_moved(flags: np.ndarray, row: int) -> None:
    """Mark a box as the program marks one that a person moved."""
    if flags[row] & int(BoxFlag.INTERPOLATED):
        flags[row] = flags[row] & ~int(BoxFlag.INTERPOLATED) | int(BoxFlag.KEY_FRAME)


@pytest.mark.parametrize("name", BY_NAME)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), by=st.sampled_from([0.5, -3.0, 7.25]), edge=st.integers(0, 3))
def test_one_move_changes_only_its_own_lines(
    name: str, sources: dict[str, tuple[Path, ImportedBoxes]], place: int, by: float, edge: int
) -> None:
    layout, (_path, boxes) = BY_NAME[name], sources[name]
    row = place % len(boxes)
    rects, flags = boxes.boxes.copy(), boxes.flags.copy()
    rects[edge, row] += by
    as_moved(flags, row)
    now = replace(now_of(boxes, layout), boxes=rects, flags=flags)
    assert boxes.texts is not None
    patched = patch_source(boxes.texts, None, now, np.arange(len(boxes)), boxes.classes)
    lines = changed_lines(boxes, patched)
    assert len(lines) == 1
    [changed] = lines.values()
    assert sum(line.startswith("+") for line in changed) <= layout.move_lines
    after = read_after(layout, boxes, patched)
    wanted = bag(now.frames, rects, names_of(boxes.class_ids, boxes.class_names), tracks=boxes.track_ids)
    assert (
        bag(after.frames, after.boxes, names_of(after.class_ids, after.class_names), tracks=after.track_ids) == wanted
    )


def random_edits(boxes: ImportedBoxes, layout: Layout, rng: np.random.Generator) -> tuple[BoxesToWrite, np.ndarray]:
    """Some boxes moved, removed, added and given other classes; the boxes and their ids."""
    count, frame_count = len(boxes), layout.context.frame_count or 12
    names = (*boxes.class_names, "new & 'quoted' class")
    rects, flags, class_ids = boxes.boxes.copy(), boxes.flags.copy(), boxes.class_ids.copy()
    for row in rng.integers(0, count, rng.integers(0, 4)).tolist():
        rects[::2, row] += rng.integers(-9, 9) + 0.125
        as_moved(flags, row)
    new_class = -1
    if boxes.class_names:
        new_class = 0
        if not layout.one_class_a_track:
            for row in rng.integers(0, count, rng.integers(0, 3)).tolist():
                class_ids[row] = rng.integers(0, len(names))
        elif rng.integers(0, 2):
            class_ids[boxes.track_ids == rng.choice(boxes.track_ids)] = len(names) - 1
    keep = np.ones(count, np.bool_)
    keep[rng.integers(0, count, rng.integers(0, 4))] = False
    added = rng.choice(frame_count, rng.integers(0, 3), replace=False)
    frames = np.append(boxes.frames[keep], added).astype(np.int64)
    x = rng.integers(0, 300, len(added)).astype(np.float64)
    new_rects = np.stack([x, np.full_like(x, 5), x + 20.5, np.full_like(x, 45)])
    now = replace(
        now_of(boxes, layout),
        frames=frames,
        boxes=np.ascontiguousarray(np.concatenate([rects[:, keep], new_rects], axis=1)),
        class_ids=np.append(class_ids[keep], np.full(len(added), new_class)).astype(np.int64),
        class_names=names if boxes.class_names else (),
        track_ids=np.append(boxes.track_ids[keep], np.full(len(added), layout.new_track)).astype(np.int64),
        flags=np.append(flags[keep], np.zeros(len(added))).astype(np.int64),
        labelled=None if boxes.labelled is None else np.union1d(boxes.labelled, frames),
    )
    return now, np.append(np.flatnonzero(keep), 1000 + np.arange(len(added)))


@pytest.mark.parametrize("name", BY_NAME)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**16))
def test_any_edits_read_back_as_they_are(name: str, sources: dict[str, tuple[Path, ImportedBoxes]], seed: int) -> None:
    layout, (_path, boxes) = BY_NAME[name], sources[name]
    now, ids = random_edits(boxes, layout, np.random.default_rng(seed))
    assert boxes.texts is not None
    classes = boxes.classes.renamed(now.class_names) if boxes.class_names else boxes.classes
    patched = patch_source(boxes.texts, None, now, ids, classes)
    after = read_after(layout, boxes, patched)
    wanted = bag(now.frames, now.boxes, names_of(now.class_ids, tuple(now.class_names)))
    assert bag(after.frames, after.boxes, names_of(after.class_ids, after.class_names)) == wanted
    # The box of each row is known again, so that the next edit changes only its own lines as well.
    place = {int(number): at for at, number in enumerate(ids.tolist())}
    for row, number in enumerate(patched.row_ids.tolist()):
        np.testing.assert_allclose(after.boxes[:, row], now.boxes[:, place[number]], atol=1e-3)


def patched_text(
    layout: Layout, folder: Path, now: BoxesToWrite | None = None, **changes: object
) -> tuple[str, PatchedSource]:
    """The first file of a layout after an edit."""
    boxes = read_boxes(layout.write(folder), replace(layout.context, keep_texts=True))
    data = replace(now or now_of(boxes, layout), **changes)  # type: ignore[arg-type]
    assert boxes.texts is not None
    patched = patch_source(boxes.texts, None, data, np.arange(len(boxes)), boxes.classes)
    return next(iter(patched.changed.values())).decode(), patched


def test_masks_and_key_points_stay_and_are_told(tmp_path: Path) -> None:
    layout = BY_NAME["COCO"]
    boxes = read_boxes(layout.write(tmp_path / "a"), layout.context)
    rects = boxes.boxes.copy()
    rects[:, :3] += 4
    text, patched = patched_text(layout, tmp_path / "b", boxes=rects)
    assert patched.kept_shapes == 2, "a mask and key points"
    assert '"area": 1010.0' in text
    assert '"keypoints": [' in text


def test_a_class_that_is_renamed_changes_one_name(tmp_path: Path) -> None:
    layout = BY_NAME["COCO by line"]
    boxes = read_boxes(layout.write(tmp_path), replace(layout.context, keep_texts=True))
    assert boxes.texts is not None
    names = tuple({"car": "auto"}.get(name, name) for name in boxes.class_names)
    classes = replace(boxes.classes, names=names, aliases=(("car", names.index("auto")),))
    now = replace(now_of(boxes, layout), class_names=names)
    patched = patch_source(boxes.texts, None, now, np.arange(len(boxes)), classes)
    [lines] = changed_lines(boxes, patched).values()
    assert len(lines) == 2
    assert '"id": 3, "name": "auto"' in lines[1]


def test_what_yolo_cannot_hold_is_counted(tmp_path: Path) -> None:
    layout = BY_NAME["Roboflow"]
    boxes = read_boxes(layout.write(tmp_path / "a"), layout.context)
    flags = boxes.flags.copy()
    flags[1] |= int(BoxFlag.OCCLUDED)
    tracks = boxes.track_ids.copy()
    tracks[:2] = 4
    rects = boxes.boxes.copy()
    rects[0, 0] -= 2
    _text, patched = patched_text(layout, tmp_path / "b", boxes=rects, flags=flags, track_ids=tracks)
    assert {field.name: count for field, count in patched.lost.items()} == {"TRACK_IDS": 2, "OCCLUDED": 1}
    assert patched.untouched == 3, "one polygon in each file"


def test_a_file_that_would_not_read_back_is_not_written(tmp_path: Path) -> None:
    layout = BY_NAME["CVAT task"]
    boxes = read_boxes(layout.write(tmp_path), replace(layout.context, keep_texts=True))
    assert boxes.texts is not None
    class_ids = boxes.class_ids.copy()
    class_ids[0] = 1 - class_ids[0]
    now = replace(now_of(boxes, layout), class_ids=class_ids)
    with pytest.raises(Exception, match="boxes of several classes"):
        patch_source(boxes.texts, None, now, np.arange(len(boxes)), boxes.classes)
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_a_text_stays_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    names = "汽车和其他的东西在这里", "行人正在过马路请注意安全"
    rows = [f"{n // 2},{n},20,{n + 30},40,{names[n % 2]}" for n in range(6)]
    path = tmp_path / "boxes.csv"
    path.write_bytes("\n".join(("frameID,x1,y1,x2,y2,class", *rows, "")).encode(encoding))
    boxes = read_boxes(path, ReadContext(size=SIZE, keep_texts=True))
    rects = boxes.boxes.copy()
    rects[1, 2] += 3
    now = replace(now_of(boxes, BY_NAME["box CSV"]), boxes=rects)
    assert boxes.texts is not None
    patched = patch_source(boxes.texts, None, now, np.arange(len(boxes)), boxes.classes)
    [data] = patched.changed.values()
    rows[2] = rows[2].replace(",20,", ",23,")
    assert data == "\n".join(("frameID,x1,y1,x2,y2,class", *rows, "")).encode(encoding)


def test_boxes_around_shapes_are_not_saved(tmp_path: Path) -> None:
    path = roboflow(tmp_path)
    context = replace(BY_NAME["Roboflow"].context, keep_texts=True, shapes="envelope")
    assert read_boxes(path, context).texts is None
