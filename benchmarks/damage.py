"""The decode check of HEVC and VP9, which looks for damage that decoders pass over: its cost, and false alarms.

``python -m benchmarks damage VIDEO...``: each video is encoded again with several settings. Processor time, one run.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av

from iouviewer.video import open_video
from iouviewer.video.decode_check import DecodeCheck
from iouviewer.video.payload_check import PayloadCheck

FRAMES = 250

SETTINGS = {
    "HEVC, veryfast": ("libx265", "mp4", {"preset": "veryfast", "x265-params": "log-level=none"}),
    "HEVC, medium, CRF 32": ("libx265", "mkv", {"preset": "medium", "crf": "32", "x265-params": "log-level=none"}),
    "HEVC, CRF 45": ("libx265", "mp4", {"preset": "veryfast", "crf": "45", "x265-params": "log-level=none"}),
    "VP9, 1 Mbit/s": ("libvpx-vp9", "webm", {"deadline": "realtime", "cpu-used": "7", "b": "1000000"}),
}


def encode(source: Path, target: Path, codec: str, options: dict[str, str]) -> Path:
    """The first frames of a video in another codec."""
    with av.open(str(source)) as video, av.open(str(target), "w") as output:
        stream = None
        for number, frame in enumerate(itertools.islice(video.decode(video=0), FRAMES)):
            if stream is None:
                stream = output.add_stream(codec, rate=10, options=options)
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                stream.gop_size = 50
            picture = frame.reformat(format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 10)
            output.mux(stream.encode(picture))
        if stream is not None:
            output.mux(stream.encode(None))
    return target


def measure(path: Path) -> tuple[int, int, float, float]:
    """Packets, packets called damaged, and seconds of the check without and with the search for damage."""
    reader = open_video(path)
    try:
        search = PayloadCheck(path, reader.index)
        began = time.process_time()
        while not search.done:
            search.advance()
        search_seconds = time.process_time() - began
        check = DecodeCheck(path, reader.index, finds_silent_damage=False)
        began = time.process_time()
        while check.advance():
            pass
        plain_seconds = time.process_time() - began
        check.close()
        return len(reader.index.packets), len(search.damaged), plain_seconds, plain_seconds + search_seconds
    finally:
        reader.close()


def main(argv: list[str]) -> int:
    """Print one row per video and setting; the exit status is 1 if a sound packet was called damaged."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="+", type=Path)
    options = parser.parse_args(argv)
    alarms = 0
    print("| clip | packets | called damaged | check, s | with the search | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for video, (name, (codec, suffix, settings)) in itertools.product(options.videos, SETTINGS.items()):
            clip = encode(video, Path(folder) / f"{video.stem}-{list(SETTINGS).index(name)}.{suffix}", codec, settings)
            packets, damaged, plain, whole = measure(clip)
            alarms += damaged
            print(f"| {video.stem}, {name} | {packets} | {damaged} | {plain:.2f} | {whole:.2f} | {whole / plain:.1f} |")
    return 1 if alarms else 0
