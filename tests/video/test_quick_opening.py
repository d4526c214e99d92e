"""A file that was opened before is opened without decoding, and decodes to the same pictures."""

from __future__ import annotations

import json

import pytest

from iouviewer.video import open_video
from iouviewer.video.checksum import check_sum
from iouviewer.video.container import facts_of, open_container, video_stream_of
from iouviewer.video.facts import StreamFacts
from iouviewer.video.index_cache import load_index
from tests.video.awkward import BROKEN, MAKERS


def first_pictures(container):
    """(time stamp, checksum) of up to thirty pictures, then the refusal where there is one."""
    seen = []
    stream = video_stream_of(container)
    stream.codec_context.thread_type = "NONE"
    try:
        for frame in container.decode(stream):
            seen.append((frame.pts, check_sum(frame)))
            if len(seen) == 30:
                break
    except OSError as error:
        seen.append(str(error))
    container.close()
    return seen


@pytest.mark.parametrize("name", sorted({**MAKERS, **BROKEN}))
def test_a_file_opened_with_known_facts_decodes_to_the_same_pictures(name, clip):
    probed = open_container(clip(name))
    facts = facts_of(probed)
    quick = open_container(clip(name), facts)
    assert video_stream_of(quick).codec_context.reorder_depth == facts.reorder_depth
    assert first_pictures(quick) == first_pictures(probed)


@pytest.mark.parametrize("name", ["wide_pixels.mp4", "two_frames.mp4", "turned_90.mp4", "raw.h264"])
def test_facts_are_kept_with_the_index_and_are_those_of_the_first_opening(name, clip):
    first = open_video(clip(name))
    kept = load_index(first.fingerprint, clip(name))
    assert kept.facts == first.facts == facts_of(open_container(clip(name)))
    again = open_video(clip(name))
    assert again.facts == first.facts and again.size == first.size
    for reader in (first, again):
        reader.close()


def test_facts_survive_json(clip):
    facts = facts_of(open_container(clip("wide_pixels.mp4")))
    assert StreamFacts.from_plain(json.loads(json.dumps(facts.plain()))) == facts


def test_facts_that_are_none_are_refused():
    for nonsense in ({}, {"size": [1, 2]}, {"time_base": "a", "sample_aspect_ratio": "b", "size": [1, 2]}):
        with pytest.raises((KeyError, ValueError, TypeError)):
            StreamFacts.from_plain(nonsense)
