"""Makes a video of many hours in a minute: encodes a few groups of pictures and writes their packets repeatedly.

``python tools/make_long_video.py FILE [--hours 3] [--size 3840x2160] [--gop 250] [--groups 2] [--detail 0.004]``. The
container follows from the file name (mp4, mkv). The video is H.264 with B-frames. Each frame shows its number within
the repeated groups, so frame ``n`` looks like frame ``n`` modulo ``gop * groups``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

RATE = 30


def encode_groups(
    path: Path, *, size: tuple[int, int], groups: int, gop: int = 250, detail: float = 1.0, crf: int = 26
) -> Path:
    """Encode ``groups`` closed groups of ``gop`` frames: a drifting texture, a disc and the frame number.

    ``detail``: density of texture cells relative to cells of 4 x 4 pixels. 1 needs about 2.5 bits per pixel of a
    keyframe, 0.4 about as much as surveillance footage, 0.02 almost nothing.
    """
    width, height = size
    cell = max(1, round(4 / detail**0.5))
    coarse = np.random.default_rng(0).integers(
        0, 256, ((height + 400) // cell + 1, (width + 400) // cell + 1, 3), dtype=np.uint8
    )
    field = cv2.resize(coarse, (width + 400, height + 400), interpolation=cv2.INTER_CUBIC)
    options = {"g": str(gop), "keyint_min": str(gop), "sc_threshold": "0", "preset": "veryfast", "crf": str(crf)}
    # PyAV configures x264 with one slice per core; usual files have one slice per frame.
    options["x264-params"] = "open-gop=0:sliced-threads=0:slices=1"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(groups * gop):
            x, y = int(200 + 150 * np.sin(number / 40)), int(200 + 150 * np.cos(number / 55))
            image = field[y : y + height, x : x + width].copy()
            cv2.circle(image, ((number * 7) % width, height // 2), height // 12, (0, 0, 255), -1)
            cv2.putText(image, str(number), (50, 200), cv2.FONT_HERSHEY_SIMPLEX, 5, (255, 255, 255), 8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        output.mux(stream.encode())
    return path


def repeat_packets(source: Path, target: Path, times: int) -> int:
    """Write the packets of ``source`` to ``target`` ``times`` times in sequence; returns the number of packets."""
    written = 0
    with av.open(str(source)) as source_file, av.open(str(target), "w") as output:
        stream = source_file.streams.video[0]
        copy = output.add_stream_from_template(stream)
        step = round(1 / (RATE * stream.time_base))
        length = stream.frames * step
        for repetition in range(times):
            source_file.seek(0, stream=stream)
            for packet in source_file.demux(stream):
                if packet.dts is None:
                    continue
                packet.pts += repetition * length
                packet.dts += repetition * length
                packet.stream = copy
                output.mux_one(packet)
                written += 1
    return written


def make_long_video(
    path: Path,
    *,
    frames: int,
    size: tuple[int, int],
    gop: int = 250,
    groups: int = 2,
    detail: float = 1.0,
    crf: int = 26,
) -> int:
    """Make a video of at least ``frames`` frames in whole repetitions; returns its number of frames."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        source = encode_groups(Path(folder) / "groups.mp4", size=size, groups=groups, gop=gop, detail=detail, crf=crf)
        return repeat_packets(source, path, -(-frames // (groups * gop)))


def main(argv: list[str] | None = None) -> int:
    """Make the file and print its size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--size", default="3840x2160", help="WIDTHxHEIGHT, pixels")
    parser.add_argument("--gop", type=int, default=250, help="frames between keyframes")
    parser.add_argument("--groups", type=int, default=2, help="number of groups to encode and repeat")
    parser.add_argument("--detail", type=float, default=0.004, help="density of the texture, 0 to 1")
    parser.add_argument("--crf", type=int, default=32, help="H.264 rate factor; lower is better")
    arguments = parser.parse_args(argv)
    width, height = map(int, arguments.size.split("x"))
    frames = make_long_video(
        arguments.file,
        frames=round(arguments.hours * 3600 * RATE),
        size=(width, height),
        gop=arguments.gop,
        groups=arguments.groups,
        detail=arguments.detail,
        crf=arguments.crf,
    )
    sys.stdout.write(f"{arguments.file}: {frames:,} frames, {arguments.file.stat().st_size / 1e6:,.0f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
