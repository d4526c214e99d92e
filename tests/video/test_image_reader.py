"""Image folders and single images as videos."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from iouviewer.errors import UserError
from iouviewer.video import open_video
from tests.video.clip_builder import read_barcode, render_frame


def write(path, number, width=160, height=96):
    path.parent.mkdir(exist_ok=True, parents=True)
    cv2.imwrite(str(path), render_frame(number, width, height))
    return path


def header_of_a_huge_image():
    """A PNG that announces 100,000 pixels per side, which OpenCV rejects with an exception of its own."""
    data = bytearray(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    data[16:24] = struct.pack(">II", 100_000, 100_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.fixture
def folder(tmp_path):
    for number in range(12):
        write(tmp_path / "img1" / f"{number + 1:06d}.png", number)
    return tmp_path / "img1"


def test_an_image_folder_is_a_video_without_a_time_base(folder):
    reader = open_video(folder)
    assert (reader.frame_count, reader.size, reader.fps) == (12, (160, 96), 0.0)
    assert reader.time_of(3) is None
    assert reader.numbers_final and not reader.damage
    for frame in (0, 11, 5, 6, 5):
        assert np.array_equal(reader.read(frame), render_frame(frame, 160, 96))
        shown = reader.read_display(frame)
        assert shown.exact and read_barcode(shown.pixels[..., :3]) == frame


def test_a_sequence_folder_opens_its_img1_folder(folder):
    assert open_video(folder.parent).frame_count == 12


def test_images_are_in_natural_order(tmp_path):
    for number in (0, 1, 2, 9, 10, 11):
        write(tmp_path / f"frame{number}.png", number)
    (tmp_path / "notes.txt").write_text("not an image")
    reader = open_video(tmp_path)
    assert [read_barcode(reader.read(frame)) for frame in range(reader.frame_count)] == [0, 1, 2, 9, 10, 11]


def test_a_single_image_is_a_video_of_one_frame(tmp_path):
    reader = open_video(write(tmp_path / "one.png", 7))
    assert reader.frame_count == 1 and read_barcode(reader.read(0)) == 7
    with pytest.raises(IndexError):
        reader.read(1)


def test_images_of_different_sizes_keep_their_own(tmp_path):
    write(tmp_path / "1.png", 1)
    write(tmp_path / "2.png", 2, 200, 120)
    reader = open_video(tmp_path)
    assert reader.size == (160, 96)
    assert reader.read(1).shape == (120, 200, 3)


def test_an_unreadable_image_is_reported_and_the_others_are_shown(folder):
    (folder / "000003.png").write_bytes(b"not an image")
    (folder / "000004.png").write_bytes(b"")
    reader = open_video(folder)
    for frame in (2, 3):
        with pytest.raises(UserError, match="cannot be decoded") as caught:
            reader.read(frame)
        assert caught.value.frame == frame
    assert [damage.frame for damage in reader.damage] == [2, 3]
    assert read_barcode(reader.read(4)) == 4


def test_a_folder_whose_first_images_are_damaged_opens_with_the_size_of_the_next(folder):
    (folder / "000001.png").write_bytes(b"not an image")
    (folder / "000002.png").write_bytes(header_of_a_huge_image())
    reader = open_video(folder)
    assert (reader.frame_count, reader.size) == (12, (160, 96))
    assert [damage.frame for damage in reader.damage] == [0, 1]
    assert read_barcode(reader.read_display(2).pixels[..., :3]) == 2


def test_a_folder_without_a_readable_image_is_refused_with_their_number(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(b"not an image")
    with pytest.raises(UserError, match="none of the 3 images") as caught:
        open_video(tmp_path)
    assert caught.value.path == tmp_path


def test_hidden_files_are_skipped(folder):
    (folder / "._000001.png").write_bytes(b"\0\5\26\7 macOS metadata")
    reader = open_video(folder)
    assert reader.frame_count == 12 and read_barcode(reader.read(0)) == 0


def test_names_with_non_decimal_digits_are_sorted(tmp_path):
    for number, name in enumerate(["1²9.png", "1²10.png", "٣.png"]):
        write(tmp_path / name, number)
    reader = open_video(tmp_path)
    assert [read_barcode(reader.read(frame)) for frame in range(3)] == [0, 1, 2]


def test_images_of_every_kind_have_three_channels(tmp_path):
    colour = render_frame(5, 160, 96)
    grey = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)
    alpha = cv2.cvtColor(colour, cv2.COLOR_BGR2BGRA)
    alpha[..., 3] = 7
    kinds = [("1.png", grey), ("2.png", colour.astype(np.uint16) * 257), ("10.png", alpha), ("11.tif", grey)]
    for name, pixels in kinds:
        cv2.imwrite(str(tmp_path / name), pixels)
    reader = open_video(tmp_path)
    for frame in range(4):
        assert reader.read(frame).shape == (96, 160, 3) and reader.read(frame).dtype == np.uint8
        assert read_barcode(reader.read(frame)) == 5


def test_an_image_is_rotated_by_its_exif_orientation(tmp_path):
    write(tmp_path / "1.jpg", 1)
    plain = (tmp_path / "1.jpg").read_bytes()
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4)
    (tmp_path / "1.jpg").write_bytes(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:])
    reader = open_video(tmp_path)
    assert reader.size == (96, 160) and reader.read(0).shape == (160, 96, 3)


def test_memory_stays_within_its_budget_and_prefetch_reads_ahead(folder):
    budget = 5 * 160 * 96 * 3
    reader = open_video(folder, memory=budget)
    reader.read_display(2)
    assert reader.prefetch() and reader.is_cached(3)
    while reader.prefetch():
        pass
    for frame in range(12):
        reader.read(frame)
        assert reader.memory_used <= budget


def test_the_digest_changes_with_the_names_only(folder):
    before = open_video(folder).index_digest
    write(folder / "000001.png", 99)
    assert open_video(folder).index_digest == before
    (folder / "000012.png").unlink()
    assert open_video(folder).index_digest != before


def test_a_damaged_single_image_is_refused(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8 but nothing more")
    with pytest.raises(UserError) as caught:
        open_video(tmp_path / "bad.jpg")
    assert caught.value.remedy == "Copy it again."
