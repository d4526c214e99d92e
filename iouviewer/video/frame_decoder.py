"""Decoded frames by number: where to start decoding, what to cache, and whether the result is correct."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.video import reasons
from iouviewer.video.cache_policy import CachePolicy
from iouviewer.video.checksum import frame_checksum
from iouviewer.video.container import IndexMismatchError
from iouviewer.video.conversion import Converter
from iouviewer.video.decode_failures import DamagedGops, DecodeFailures, has_known_damage
from iouviewer.video.decoder import DecodedFrame, Decoder
from iouviewer.video.fingerprint import FileStamp
from iouviewer.video.frame_cache import CachedFrame, FrameCache
from iouviewer.video.index import Damage, VideoIndex, with_damage, without_keyframe_flags
from iouviewer.video.index_builder import has_packets_of
from iouviewer.video.seek_points import is_false_keyframe, lacks_references, uses_slice_threads
from iouviewer.video.stream_info import StreamInfo

_MAX_DECODER_DELAY = 64
"""Packets after a frame's own before the frame counts as lost; decoders delay at most 16 frames plus one per thread."""

_MAX_IN_PROGRESS = (os.cpu_count() or 1) + 1
"""Packets that decoder threads may process at the same time."""

DEFAULT_MEMORY = 4 << 20
"""Bytes unless specified, or what the reordering of frames takes. More makes sequential reading slower: frames then
leave the processor's cache."""

_LINE_ALIGNMENT = 128
"""Pixels up to which FFmpeg may pad the lines of a frame."""

_SEQUENTIAL_STEPS = 3
"""Consecutive steps of one frame after which the following ones are decoded while the caller uses the last."""

_READ_AHEAD_BYTES = 32 << 20
"""Bytes of frames decoded ahead at once, besides those in the cache; at least two frames, at most sixteen."""

Cancelled = Callable[[], bool]


class FrameDecoder:
    """Frames of one file. Owned by one thread.

    A frame is *exact* if it equals that of a clean decode: its checksum is that of the index, or there is none and the
    decoder met no damage in its GOP.
    """

    def __init__(
        self,
        path: Path,
        index: VideoIndex,
        stream_info: StreamInfo,
        converter: Converter,
        memory: int | None,
        container: Any = None,
        stamp: FileStamp | None = None,
    ) -> None:
        self.index = index
        self._stamp = stamp
        self._path = path
        self._stream_info = stream_info
        self._uses_least_memory = memory is None
        self.cache = FrameCache(memory or _least_memory(self.index, self._stream_info))
        self._converter = converter
        self._single_thread = False
        self._damaged_gops = DamagedGops(index)
        self._decoder = self._new_decoder(container)
        self._last_output = self._first_output = -1
        self._policy = CachePolicy(self.cache, stream_info)
        # Slices keep all cores busy with one frame; decoding another one meanwhile would only slow it down.
        self._can_read_ahead = not uses_slice_threads(stream_info.codec)
        self.failures = DecodeFailures(path, stamp)
        self._rejected: set[int] = set()
        self._suspect = _frames_marked_corrupt(index)
        self._inexact: CachedFrame | None = None

    @property
    def decoder(self) -> Decoder:
        """The current decoder, for diagnostics."""
        return self._decoder

    @property
    def uses_single_thread(self) -> bool:
        """Whether one thread decodes, because of damage."""
        return self._single_thread

    # -- one frame -----------------------------------------------------------------------------------------------

    def get(self, frame: int, *, allow_reduced: bool = False, cancelled: Cancelled | None = None) -> CachedFrame:
        """The frame; UserError if it cannot be decoded, SupersededError if ``cancelled()`` returns True."""
        self.move_to(frame)
        cached = self.cache.get(frame)
        if cached is not None and (allow_reduced or cached.scale == 1.0):
            self._decode_references(frame, cancelled)
            if cached is self.cache.get(frame):
                return cached  # no damage was found meanwhile
        self.failures.raise_known(frame)
        continues = self._can_continue_to(frame)
        if not (continues and self.cache.direction < 0):  # otherwise planned when decoding of this GOP started
            self._policy.plan(self.index, frame)
        self._inexact = None
        found = self._decode_to(frame, cancelled) if continues else None
        if found is None:
            found = self._decode_from_seek_points(frame, cancelled)
        if found is not None:
            return found
        packet = self.index.packet_of(frame)
        error, reason = self.failures.add(frame, packet, self._decoder)
        if not isinstance(error, IndexMismatchError):
            self._add_damage(packet, Damage(frame, reason))
        raise error

    def _decode_from_seek_points(self, frame: int, cancelled: Cancelled | None) -> CachedFrame | None:
        """Decode from the nearest keyframe, and from ever earlier ones while the frame is not exact."""
        for start in select_seek_points(self.index.seek_points(frame)):
            if start and not self.index.packets.key[start]:
                continue  # turned out to be a false keyframe meanwhile
            for _ in range(2):
                self._start(start, target=frame)
                single_thread = self._single_thread
                found = self._decode_to(frame, cancelled)
                if found is not None and (single_thread or frame not in self._suspect):
                    return found
                if single_thread or (self._inexact is None and not self._suspect and not has_known_damage(self.index)):
                    break
                # Around damage, frame threads return other frames than a clean decode: try again with one thread.
                self._damaged_gops.include_all()
                self._use_single_thread()
        return self._inexact

    def is_suspect(self, frame: int) -> bool:
        """Whether known damage may affect the frame."""
        return frame in self._suspect

    def has_all_references(self, frame: int) -> bool:
        """Whether everything that a cached frame may reference was decoded, so any damage would have been detected."""
        if len(self.index.checksums) or not self._first_output <= frame <= self._last_output:
            return True
        return self._last_output >= self.index.last_reference(frame)

    def move_to(self, frame: int) -> None:
        """Set the current frame; frames in the direction of navigation are kept and prefetched first."""
        self._policy.move_to(frame)

    # -- running the decoder -------------------------------------------------------------------------------------

    def _new_decoder(self, container: Any = None) -> Decoder:
        # Once checksums show which frames several threads get wrong, one thread decodes only ``_damaged_gops``.
        has_checksums = bool(len(self.index.checksums))
        may_miss_damage = has_known_damage(self.index) or lacks_references(self.index, self._stream_info.codec)
        self._single_thread = self._single_thread or (may_miss_damage and not has_checksums)
        read_ahead = min(max(_READ_AHEAD_BYTES // self._stream_info.bytes_per_frame, 2), 16)
        return Decoder(
            self._path,
            threads=1 if self._single_thread else 0,
            strict=not self._single_thread and not has_checksums,
            read_ahead=read_ahead,
            container=container,
            stamp=self._stamp,
        )

    def _use_single_thread(self) -> None:
        """Continue with one thread: for a damaged GOP, or until there is an index with checksums."""
        if not self._single_thread:
            self._replace_decoder(single_thread=True)

    def _replace_decoder(self, *, single_thread: bool) -> None:
        self._decoder.close()
        self._single_thread = single_thread
        self._decoder = self._new_decoder()
        self._last_output = self._first_output = -1

    def _start(self, packet: int, *, target: int, is_jump: bool = True) -> None:
        """Seek to a keyframe. On the way to the target of a jump, frames that no other frame references are skipped."""
        self._finish_references()
        if not self._damaged_gops.suits(self.index, target, single_thread=self._single_thread):
            self._replace_decoder(single_thread=not self._single_thread)
        decode_all = self._single_thread or not is_jump  # error concealment may use any previous frame
        skippable = frozenset() if decode_all else self._policy.skippable_packets(self.index, packet, target)
        self._decoder.start_at(self.index, packet, skippable=skippable)
        self._last_output = self._first_output = -1

    def _finish_references(self) -> None:
        """Before a seek: decode on until the cached frames have all their references."""
        furthest = self._decoder.last_packet + _MAX_DECODER_DELAY
        waiting = [frame for frame in self.cache.numbers() if not self.has_all_references(frame)]
        last_reference = max(map(self.index.last_reference, waiting), default=-1)
        while self._last_output < last_reference and self._decoder.last_packet <= furthest:
            decoded = self._next_frame(None)
            if decoded is None:
                return
            self._add_output(decoded, target=last_reference)

    def _can_continue_to(self, frame: int) -> bool:
        """Whether decoding on from the decoder's position is the shortest way to the frame."""
        is_behind = self._last_output < 0 or frame <= self._last_output
        if is_behind or not self._damaged_gops.suits(self.index, frame, single_thread=self._single_thread):
            return False
        following = self._decoder.last_packet + 1
        return self.index.packet_of(frame) <= following or self.index.nearest_seek_point(frame) <= following

    def _decode_to(self, frame: int, cancelled: Cancelled | None) -> CachedFrame | None:
        packet = self.index.packet_of(frame)
        found: CachedFrame | None = None
        while found is None and self._decoder.last_packet <= packet + _MAX_DECODER_DELAY:
            decoded = self._next_frame(cancelled)
            if decoded is None:
                return None
            cached = self._add_output(decoded, target=frame)
            found = cached if self._number_of(decoded) == frame else None
        if found is not None:
            self._decode_references(frame, cancelled)
            found.exact = found.exact and frame not in self._suspect
        return found

    def _decode_references(self, frame: int, cancelled: Cancelled | None) -> None:
        """Decode on until everything the frame may reference was output, as damage shows only then."""
        while not self.has_all_references(frame):
            decoded = self._next_frame(cancelled)
            if decoded is None:
                return
            self._add_output(decoded, target=frame)

    def _next_frame(self, cancelled: Cancelled | None) -> DecodedFrame | None:
        """The decoder's next frame; GOPs of packets that it rejected on the way become suspect."""
        decoder = self._decoder
        known = len(decoder.errors)
        read_ahead = self._policy.sequential_steps >= _SEQUENTIAL_STEPS and self._can_read_ahead
        decoded = decoder.next_frame(cancelled=cancelled, read_ahead=read_ahead)
        for packet, message in decoder.errors[known:]:
            if self._single_thread:
                frame = self.index.frame_of(packet)
                if frame >= 0 and frame not in self._rejected:
                    self._rejected.add(frame)
                    self._add_damage(packet, Damage(frame, reasons.UNDECODABLE_BECAUSE.format(detail=message)))
                continue
            # With threads the error is reported late: any packet still in progress may be the damaged one.
            self._add_damage(packet, None)
            self._add_damage(max(decoder.start_packet, packet - _MAX_IN_PROGRESS), None)
        if decoder.failed and decoded is None:
            self._use_single_thread()
        return decoded

    def _number_of(self, decoded: DecodedFrame) -> int:
        return self.index.frame_of(decoded.packet, decoded.repeat)

    def _add_output(self, decoded: DecodedFrame, *, target: int) -> CachedFrame | None:
        """Cache a frame output by the decoder if it can be trusted; None if it cannot."""
        number = self._number_of(decoded)
        if number < 0:
            return None
        has_checksums = len(self.index.checksums) > 0
        is_order_known = reasons.ORDER_UNKNOWN not in self.index.uncertainties
        if number < self._last_output and not has_checksums and is_order_known:
            # Decoders output frames in display order, so the timestamps implied another order than the stream has.
            self._add_damage(decoded.packet, None)
        self._last_output = max(self._last_output, number)
        self._first_output = number if self._first_output < 0 else self._first_output
        start = self._decoder.start_packet
        if start and number < self.index.frame_of(start):
            return None  # leads an open GOP whose references were not decoded
        if start and decoded.packet == start and is_false_keyframe(decoded.frame, self.index, self._stream_info.codec):
            self._discard_keyframe_flags()
            return None
        cached = CachedFrame(decoded.frame)
        if has_checksums:
            if int(self.index.checksums[number]) != frame_checksum(decoded.frame):
                if number == target:
                    self._inexact = CachedFrame(decoded.frame, exact=False)
                return None
        elif decoded.frame.is_corrupt:
            self._add_damage(decoded.packet, Damage(number, reasons.ERRORS_CONCEALED))
        cached.exact = number not in self._suspect
        self._cache_frame(number, cached, target)
        return cached

    def _discard_keyframe_flags(self) -> None:
        """Decode from the beginning until the decode check finds the true keyframes: the container marks false ones."""
        self.index = without_keyframe_flags(self.index)
        self._last_output = self._first_output = -1
        self.cache.clear()

    def _cache_frame(self, number: int, cached: CachedFrame, target: int) -> None:
        if not self._policy.should_keep(number, target):
            return
        scale = self._policy.scale_for(number)
        if scale < 1.0:
            cached = CachedFrame(self._converter.downscale(cached.frame, scale), scale, cached.exact)
        self.cache.put(number, cached)

    def _add_damage(self, packet: int, damage: Damage | None) -> None:
        """Frames that reference a damaged one are no longer exact, and the numbers become provisional."""
        if len(self.index.checksums):
            self.index = with_damage(self.index, damage) if damage is not None else self.index
            return
        affected = self.index.frames_affected_by(packet).tolist()
        self._suspect.update(affected)
        for frame in affected:
            self.cache.drop(frame)
        known = self.index.uncertainties
        uncertainties = known if reasons.DAMAGE_FOUND in known else (*known, reasons.DAMAGE_FOUND)
        index = with_damage(self.index, damage) if damage is not None else self.index
        self.index = replace(index, numbers_final=False, uncertainties=uncertainties)

    # -- prefetching ---------------------------------------------------------------------------------------------

    def prefetch(self, *, ahead: int, cancelled: Cancelled | None) -> bool:
        """Decode the next frame in the direction of navigation; False if there is nothing to do."""
        target = self._policy.next_missing(self.index, ahead)
        if target is None:
            return False
        continues = self._can_continue_to(target)
        if (self.cache.direction > 0 or not continues) and not self._policy.plan(self.index, target, can_wait=True):
            return False
        if not continues:
            self._start(self.index.nearest_seek_point(target), target=target, is_jump=False)
        decoded = self._next_frame(cancelled)
        if decoded is None or self._decoder.last_packet > self.index.packet_of(target) + _MAX_DECODER_DELAY:
            self._policy.mark_unreachable(target)
            return False
        self._add_output(decoded, target=target)
        if self._number_of(decoded) == target and target not in self.cache:
            self._policy.mark_without_space(target)
        return True

    # -- index and resources -------------------------------------------------------------------------------------

    def use_index(self, index: VideoIndex) -> None:
        """Switch to a better index of the same file. Frames that may change or turn out to be wrong are dropped."""
        old, known = self.index, self.index.frame_count
        self.index = index
        same_packets = has_packets_of(index, old)
        keeps_numbers = same_packets and index.extends(old) and not self.failures.index_mismatch
        self.failures.clear(is_reindexed=not same_packets)
        if self._uses_least_memory:
            self.cache.set_budget(_least_memory(self.index, self._stream_info))
        self._rejected.clear()
        self._policy.reset_unreachable()
        if keeps_numbers and not len(index.checksums):
            return
        is_intact = not (self._suspect or self._single_thread or index.damage or len(old.checksums))
        self._suspect = _frames_marked_corrupt(index)
        if keeps_numbers and is_intact and index.frame_count == known:
            _drop_mismatched(self.cache, index)
            return
        self.clear_cache()
        self._damaged_gops = DamagedGops(index)
        self._replace_decoder(single_thread=False)

    def clear_cache(self) -> None:
        """Drop all frames; the next one is decoded from its keyframe."""
        self.cache.clear()
        self._last_output = self._first_output = -1

    def close(self) -> None:
        """Release the file and the memory."""
        self._decoder.close()
        self.cache.clear()


def _drop_mismatched(cache: FrameCache, index: VideoIndex) -> None:
    """Keep only the cached frames that equal those of the decode check."""
    for number in cache.numbers():
        cached = cache.get(number)
        if cached is not None and (cached.scale < 1.0 or frame_checksum(cached.frame) != int(index.checksums[number])):
            cache.drop(number)


def _least_memory(index: VideoIndex, stream_info: StreamInfo) -> int:
    """Bytes needed for sequential reading to decode each frame once: all frames between a frame and its last reference.

    More would be slower: a decoder whose memory is returned at once works within the processor's cache.
    """
    padding = 1.0 + _LINE_ALIGNMENT / max(1, stream_info.size[0])
    return max(DEFAULT_MEMORY, int(padding * (index.max_reference_distance + 1) * stream_info.bytes_per_frame))


def _frames_marked_corrupt(index: VideoIndex) -> set[int]:
    """Frames that may be wrong because the container marks packets as corrupt; none once there are checksums."""
    if len(index.checksums):
        return set()
    corrupt = np.flatnonzero(index.packets.corrupt)
    return {int(frame) for packet in corrupt for frame in index.frames_affected_by(int(packet))}


def select_seek_points(seek_points: list[int]) -> list[int]:
    """The nearest seek point, then those 1, 2, 4, ... further back, the very first packet last."""
    places = [0, *(2**power for power in range(len(seek_points).bit_length()))]
    chosen = [seek_points[at] for at in places if at < len(seek_points)]
    return list(dict.fromkeys([*chosen, seek_points[-1]]))
