"""A file opened before is opened again without decoding, and decodes to the same frames."""

from __future__ import annotations

import json

import pytest

from iouviewer.video import open_video
from iouviewer.video.checksum import frame_checksum
from iouviewer.video.container import open_container, read_stream_info, select_video_stream
from iouviewer.video.index_cache import load_index
from iouviewer.video.stream_info import StreamInfo
from tests.video.clip_builder import DAMAGED_CLIPS, EDGE_CASES


def first_frames(container):
    """(PTS, checksum) of up to thirty frames, then the error if there is one."""
    seen = []
    stream = select_video_stream(container)
    stream.codec_context.thread_type = "NONE"
    try:
        for frame in container.decode(stream):
            seen.append((frame.pts, frame_checksum(frame)))
            if len(seen) == 30:
                break
    except OSError as error:
        seen.append(str(error))
    container.close()
    return seen


@pytest.mark.parametrize("name", sorted({**EDGE_CASES, **DAMAGED_CLIPS}))
def test_a_file_opened_with_known_stream_info_decodes_to_the_same_frames(name, clip):
    probed = open_container(clip(name))
    stream_info = read_stream_info(probed)
    quick = open_container(clip(name), stream_info)
    assert select_video_stream(quick).codec_context.reorder_depth == stream_info.reorder_depth
    assert first_frames(quick) == first_frames(probed)


@pytest.mark.parametrize("name", ["wide_pixels.mp4", "two_frames.mp4", "rotated_90.mp4", "raw.h264"])
def test_stream_info_is_stored_with_the_index(name, clip):
    first = open_video(clip(name))
    stored = load_index(first.fingerprint, clip(name))
    assert stored.stream_info == first.stream_info == read_stream_info(open_container(clip(name)))
    again = open_video(clip(name))
    assert again.stream_info == first.stream_info and again.size == first.size
    for reader in (first, again):
        reader.close()


def test_stream_info_survives_json(clip):
    stream_info = read_stream_info(open_container(clip("wide_pixels.mp4")))
    assert StreamInfo.from_dict(json.loads(json.dumps(stream_info.to_dict()))) == stream_info


def test_invalid_stream_info_is_refused():
    for nonsense in ({}, {"size": [1, 2]}, {"time_base": "a", "sample_aspect_ratio": "b", "size": [1, 2]}):
        with pytest.raises((KeyError, ValueError, TypeError)):
            StreamInfo.from_dict(nonsense)
