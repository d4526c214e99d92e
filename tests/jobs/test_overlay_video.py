"""The overlay video, read back frame by frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from iouviewer.cli import main
from iouviewer.document.predictions import PredictionSet
from iouviewer.errors import UserError
from iouviewer.jobs.frame_pictures import VariantOverlay, frame_image
from iouviewer.jobs.overlay_video import OverlayRequest, OverlayVariant, render_overlay
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import BoxTable
from iouviewer.reports.pane import HEADER, grid, with_header
from iouviewer.video import open_video, writer
from tests.video.clip_builder import read_barcode, render_frame

WIDTH, HEIGHT, FRAMES = 320, 240, 30


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip whose frames state their number."""
    path = tmp_path_factory.mktemp("overlay") / "clip.avi"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 12.5, (WIDTH, HEIGHT))
    assert video.isOpened()
    for number in range(FRAMES):
        video.write(render_frame(number, WIDTH, HEIGHT))
    video.release()
    return path


def table(shift: float, *, scores: bool) -> BoxTable:
    frames = np.arange(FRAMES)
    box = np.stack([100.0 + shift + frames, np.full(FRAMES, 150.0), 160.0 + shift + frames, np.full(FRAMES, 210.0)])
    ids = np.zeros(FRAMES, np.int64)
    return BoxTable.from_rows(
        frames, box, frame_count=FRAMES, class_ids=ids, scores=np.full(FRAMES, 0.9) if scores else None
    )


def request(clip: Path, frames: object, **options: object) -> OverlayRequest:
    covered = np.ones(FRAMES, np.bool_)
    variants = [
        OverlayVariant(name, colour, PredictionSet(table(shift, scores=True), covered))
        for name, colour, shift in (("base", "#2e9e5b", 2), ("int8 – малый", "#d55e00", 12))
    ]
    made = OverlayRequest(clip, table(0, scores=False), variants, ReviewSettings(), np.asarray(frames), rate=12.5)
    return replace(made, **options)  # type: ignore[arg-type]


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert float(container.streams.video[0].average_rate or 0) == 12.5
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("apart", [False, True])
def test_every_chosen_frame_is_there_once_and_in_order(tmp_path: Path, clip: Path, apart: bool) -> None:
    chosen = list(range(3, 28, 4))
    seen: list[tuple[int, int]] = []
    out = tmp_path / "out.mp4"
    made = request(clip, chosen, apart=apart)
    assert render_overlay(made, out, lambda done, total, _label="": seen.append((done, total)))
    pictures = decoded(out)
    panes = 2 if apart else 1
    assert {picture.shape for picture in pictures} == {(HEIGHT + HEADER, panes * WIDTH, 3)}
    for pane in range(panes):
        part = [picture[HEADER:, pane * WIDTH : (pane + 1) * WIDTH] for picture in pictures]
        assert [read_barcode(one) for one in part] == chosen
    assert seen == [(done, len(chosen)) for done in range(len(chosen))] + [(len(chosen), len(chosen))]
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_pane_is_the_exported_frame_below_its_header(tmp_path: Path, clip: Path) -> None:
    """Boxes, dashes and IoU by the rule of the frame that is exported as PNG, up to the loss of the encoder."""
    made = request(clip, [5, 6], apart=True)
    render_overlay(made, tmp_path / "out.mp4")
    reader = open_video(clip)
    for place, picture in enumerate(decoded(tmp_path / "out.mp4")):
        frame = 5 + place
        for pane, variant in enumerate(made.variants):
            overlay = VariantOverlay(variant.colour, variant.predictions.table.frame(frame))
            png = frame_image(reader.read(frame), made.truth.frame(frame), [overlay], made.settings)
            expected = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
            shown = picture[HEADER:, pane * WIDTH : (pane + 1) * WIDTH]
            assert float(np.abs(shown.astype(float) - expected).mean()) < 8
            # Without the boxes the pictures would differ where the lines are.
            plain = np.abs(reader.read(frame).astype(float) - expected).max(axis=2) > 60
            drawn, bare = (np.abs(one.astype(float) - expected)[plain].mean() for one in (shown, reader.read(frame)))
            assert plain.sum() > 400 and drawn < 0.5 * bare
    reader.close()


def test_a_cancelled_or_failed_video_leaves_nothing(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"before")
    seen: list[int] = []
    cancelled = lambda: len(seen) > 3  # noqa: E731
    assert not render_overlay(
        request(clip, range(30)), out, lambda done, _total, _label="": seen.append(done), cancelled=cancelled
    )
    with pytest.raises(UserError, match="must be in 0–29"):
        render_overlay(request(clip, [0, 99]), out)
    assert out.read_bytes() == b"before" and [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    with pytest.raises(UserError, match="there are no frames"):
        render_overlay(request(clip, np.zeros(0, np.int64)), out)
    monkeypatch.setattr(writer, "_ENCODERS", (("no_such_encoder", {}),))
    with pytest.raises(UserError, match="no video encoder"):
        render_overlay(request(clip, [0]), out)


def test_odd_sides_and_names_too_long_for_the_picture() -> None:
    image = np.zeros((101, 75, 3), np.uint8)
    pane = with_header(image, [("a name that does not fit", "#ff0000"), ("second", "#00ff00")], "12,345")
    assert pane.shape == (101 + HEADER, 75, 3)
    assert grid([pane, pane, pane]).shape == (2 * pane.shape[0], 150, 3)
    with_header(image, [("形", "#ff0000"), ("", "#00ff00")], "")


def test_the_command_draws_files_and_refuses_other_endings(
    tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{frame},{100 + frame},150,{160 + frame},210" for frame in range(FRAMES)]
    (tmp_path / "gt.csv").write_text("\n".join(["frameID,x1,y1,x2,y2", *lines]) + "\n")
    (tmp_path / "a.csv").write_text("\n".join(["frameID,x1,y1,x2,y2,score", *(f"{one},0.9" for one in lines)]) + "\n")
    options = [str(clip), "--gt", str(tmp_path / "gt.csv"), "--pred", f"a={tmp_path / 'a.csv'}"]
    out = tmp_path / "out.mp4"
    assert main(["render", *options, "--frames", "random:6@1", "--panes", "each", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: 6 frames\n"
    numbers = [read_barcode(one[HEADER:]) for one in decoded(out)]
    assert numbers == sorted(numbers) and len(set(numbers)) == 6
    assert main(["render", *options, "--out", str(tmp_path / "out.avi")]) == 2
    assert "an overlay video is written as .mp4" in capsys.readouterr().err
