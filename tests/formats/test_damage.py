"""Damaged files end in a UserError or in refused rows, never in another exception."""

from __future__ import annotations

import random

import numpy as np
import pytest

from iouviewer.document.boxes import find_rect_error
from iouviewer.document.imported import ImportedBoxes
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, detect, read_boxes, write_boxes
from tests.formats.helpers import (
    WRITABLE,
    boxes_to_write,
    file_name,
    label_studio_export,
    label_studio_key_frame,
    write_label_studio,
)

CONTEXTS = (
    ReadContext(size=(640, 480), frame_count=10),
    ReadContext(size=(640, 480), image_names=["a.jpg", "clip_1.jpg", "000002.jpg"], stride=2),
)
PIECES = (b"nan", b"-1", b"1e999", b"null", b"[]", b"{}", b'"', b"<", b">", b",", b"\n", b"\xff", b"", b"0", b"true")


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The bytes with one to three parts removed or replaced."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(data) + 1)
        data = data[:start] + rng.choice(PIECES) + data[start + rng.choice((0, 1, 3, 8)) :]
    return data[: rng.randrange(len(data) + 1)] if rng.random() < 0.1 else data


def read_damaged(path, context, format_key):
    try:
        found = detect(path)
        assert found is None or found.reason
        read = read_boxes(path, context, format=format_key)
    except UserError as error:
        assert str(error)
        return False
    assert isinstance(read, ImportedBoxes)
    assert all(find_rect_error(tuple(box)) is None for box in read.boxes.T.tolist())
    assert np.all(read.frames >= 0)
    assert np.all(read.class_ids < max(len(read.class_names), 1))
    assert all(row.reason for row in read.refused)
    return True


@pytest.mark.parametrize("format_key", [*WRITABLE, "labelstudio"])
def test_damage_ends_in_an_error_or_in_refused_rows(tmp_path, format_key):
    if format_key == "labelstudio":
        target = write_label_studio(
            tmp_path,
            [
                label_studio_export(
                    label_studio_key_frame(1), label_studio_key_frame(3, x=20), label_studio_key_frame(5, enabled=False)
                )
            ],
        )
        files = [target]
    else:
        target = tmp_path / file_name(format_key)
        rows = [(0, 10, 20, 30, 40, 0, 1), (1, 10.5, 20, 30, 40, 1, 1), (1, 1, 2, 3, 4, -1, -1, 16)]
        data = boxes_to_write(rows, class_names=("a", "b"), labelled=np.array([0, 1]))
        write_boxes(target, data, format=format_key)
        files = [p for p in sorted(target.rglob("*")) if p.is_file()] if target.is_dir() else [target]
    rng = random.Random(f"damage {format_key}")
    whole = {file: file.read_bytes() for file in files}
    read = 0
    for _ in range(250):
        file = rng.choice(files)
        file.write_bytes(damaged(whole[file], rng))
        read += read_damaged(target, rng.choice(CONTEXTS), format_key)
        file.write_bytes(whole[file])
    # Without a single readable file the test would check nothing.
    assert read > 0
