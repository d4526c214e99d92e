"""Decoded pictures by number: where to begin decoding, what to keep, and whether what came out is right."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.video.cache_policy import Travel
from iouviewer.video.checksum import check_sum
from iouviewer.video.colour import Converter
from iouviewer.video.container import IndexMismatchError
from iouviewer.video.damaged_groups import RoughGroups, is_known_damaged
from iouviewer.video.decode_failures import Losses
from iouviewer.video.decoder import Decoded, Decoder
from iouviewer.video.facts import StreamFacts
from iouviewer.video.fingerprint import FileStamp
from iouviewer.video.frame_cache import Held, Ring
from iouviewer.video.index import ORDER_UNKNOWN, Damage, VideoIndex, with_damage, without_key_flags
from iouviewer.video.index_builder import goes_on_from
from iouviewer.video.seek_points import is_no_start, lacks_references, shares_slices

_OVERSHOOT = 64
"""Packets decoded past a picture's own before it counts as lost; decoders hold back at most 16 and their threads."""

_UNDER_WAY = (os.cpu_count() or 1) + 1
"""Packets that decoder threads may be working on at once."""

_SMALL_MEMORY = 4 << 20
"""Bytes unless told otherwise, or what the order of the pictures takes. More makes reading in sequence slower: pictures
then leave the processor's cache."""

_LINE_ALIGNMENT = 128
"""Pixels up to which FFmpeg may lengthen the lines of a picture."""

_SEQUENCE = 3
"""Steps of one picture in a row after which the following ones are decoded while the caller uses the last."""

_AHEAD_BYTES = 32 << 20
"""Bytes of pictures decoded that way at once, besides those in the ring; two pictures at least, sixteen at most."""

FOUND_DAMAGE = "damage was found while reading"

Cancelled = Callable[[], bool]


class Pictures:
    """Pictures of one file. Owned by one thread.

    A picture is *sure* when it is what a clean decode gives: its checksum is the index's, or there is none and the
    decoder met no damage in its group.
    """

    def __init__(
        self,
        path: Path,
        index: VideoIndex,
        facts: StreamFacts,
        converter: Converter,
        memory: int | None,
        container: Any = None,
        stamp: FileStamp | None = None,
    ) -> None:
        self.index = index
        self._stamp = stamp
        self._path = path
        self._facts = facts
        self._frugal = memory is None
        self.ring = Ring(memory or _least_memory(self.index, self._facts))
        self._converter = converter
        self._single = False
        self._rough = RoughGroups(index)
        self._decoder = self._new_decoder(container)
        self._last_given = self._first_given = -1
        self._travel = Travel(self.ring, facts)
        # Slices keep all cores busy for one picture: another one beside it would only be in the way.
        self._goes_ahead = not shares_slices(facts.codec)
        self.losses = Losses(path, stamp)
        self._refused: set[int] = set()
        self._suspect = _told_damaged(index)
        self._unsure: Held | None = None

    # -- one picture ---------------------------------------------------------------------------------------------

    def get(self, frame: int, *, allow_reduced: bool = False, cancelled: Cancelled | None = None) -> Held:
        """The picture; UserError where it cannot be decoded, Superseded where ``cancelled()`` says so."""
        self.move_to(frame)
        held = self.ring.get(frame)
        if held is not None and (allow_reduced or held.scale == 1.0):
            self._settle(frame, cancelled)
            if held is self.ring.get(frame):
                return held  # no damage came to light meanwhile
        self.losses.refuse_known(frame)
        follows = self._follows(frame)
        if not (follows and self.ring.direction < 0):  # else the way there was planned when it was begun
            self._travel.plan(self.index, frame)
        self._unsure = None
        found = self._run_to(frame, cancelled) if follows else None
        if found is None:
            found = self._from_the_starts(frame, cancelled)
        if found is not None:
            return found
        packet = self.index.packet_of(frame)
        loss = self.losses.learn(frame, packet, self._decoder)
        if not isinstance(loss, IndexMismatchError):
            self._note_damage(packet, Damage(frame, loss.message))
        raise loss

    def _from_the_starts(self, frame: int, cancelled: Cancelled | None) -> Held | None:
        """Decode from the nearest key frame, and from ever earlier ones while the picture does not come out right."""
        for start in spread(self.index.starts(frame)):
            if start and not self.index.packets.key[start]:
                continue  # its picture has told meanwhile that it is none
            for _ in range(2):
                self._start(start, wanted=frame)
                single = self._single
                found = self._run_to(frame, cancelled)
                if found is not None and (single or frame not in self._suspect):
                    return found
                if single or (self._unsure is None and not self._suspect and not is_known_damaged(self.index)):
                    break
                # Frame threads give other pictures than a clean decode does around damage: once more, with one.
                self._rough.distrust_all()
                self._use_single()
        return self._unsure

    def is_suspect(self, frame: int) -> bool:
        """Whether damage that is known may have reached the picture."""
        return frame in self._suspect

    def is_settled(self, frame: int) -> bool:
        """Whether all that a picture in memory may be built upon has come out, so that damage would have shown."""
        if len(self.index.checks) or not self._first_given <= frame <= self._last_given:
            return True
        return self._last_given >= self.index.horizon(frame)

    def move_to(self, frame: int) -> None:
        """Tell where the user is; what lies in the direction of travel is kept and fetched first."""
        self._travel.move_to(frame)

    # -- running the decoder -------------------------------------------------------------------------------------

    def _new_decoder(self, container: Any = None) -> Decoder:
        # Once checksums tell which pictures threads give wrong, one thread decodes those groups only (``_rough``).
        proven = bool(len(self.index.checks))
        untold = is_known_damaged(self.index) or lacks_references(self.index, self._facts.codec)
        self._single = self._single or (untold and not proven)
        ahead = min(max(_AHEAD_BYTES // self._facts.picture_bytes, 2), 16)
        strict = not self._single and not proven
        threads = 1 if self._single else 0
        return Decoder(self._path, threads=threads, strict=strict, ahead=ahead, container=container, stamp=self._stamp)

    def _use_single(self) -> None:
        """Go on with one thread: for a rough group, or until an index with checksums is there."""
        if not self._single:
            self._change_decoder(single=True)

    def _change_decoder(self, *, single: bool) -> None:
        self._decoder.close()
        self._single = single
        self._decoder = self._new_decoder()
        self._last_given = self._first_given = -1

    def _start(self, packet: int, *, wanted: int, jumped: bool = True) -> None:
        """Send the decoder to a key frame; on the way to one ``jumped`` to what nothing leans on is passed over."""
        self._settle_run()
        if not self._rough.suits(self.index, wanted, single=self._single):
            self._change_decoder(single=not self._single)
        whole = self._single or not jumped  # what is made up for damage leans on any picture before it
        passed = frozenset() if whole else self._travel.passed(self.index, packet, wanted)
        self._decoder.start_at(self.index, packet, passed=passed)
        self._last_given = self._first_given = -1

    def _settle_run(self) -> None:
        """Before the decoder is sent elsewhere: decode on until its pictures in memory are settled."""
        furthest = self._decoder.fed + _OVERSHOOT
        waiting = [frame for frame in self.ring.frames() if not self.is_settled(frame)]
        horizon = max(map(self.index.horizon, waiting), default=-1)
        while self._last_given < horizon and self._decoder.fed <= furthest:
            decoded = self._advance(None)
            if decoded is None:
                return
            self._take(decoded, wanted=horizon)

    def _follows(self, frame: int) -> bool:
        """Whether going on from where the decoder stands is the shortest way to the picture."""
        beyond = self._last_given < 0 or frame <= self._last_given
        if beyond or not self._rough.suits(self.index, frame, single=self._single):
            return False
        following = self._decoder.fed + 1
        return self.index.packet_of(frame) <= following or self.index.nearest_start(frame) <= following

    def _run_to(self, frame: int, cancelled: Cancelled | None) -> Held | None:
        packet = self.index.packet_of(frame)
        found: Held | None = None
        while found is None and self._decoder.fed <= packet + _OVERSHOOT:
            decoded = self._advance(cancelled)
            if decoded is None:
                return None
            held = self._take(decoded, wanted=frame)
            found = held if self._number(decoded) == frame else None
        if found is not None:
            self._settle(frame, cancelled)
            found.sure = found.sure and frame not in self._suspect
        return found

    def _settle(self, frame: int, cancelled: Cancelled | None) -> None:
        """Decode on until all that the picture may be built upon has come out, for damage shows only then."""
        while not self.is_settled(frame):
            decoded = self._advance(cancelled)
            if decoded is None:
                return
            self._take(decoded, wanted=frame)

    def _advance(self, cancelled: Cancelled | None) -> Decoded | None:
        """The decoder's next picture; what it refused on the way puts its group in doubt."""
        decoder = self._decoder
        known = len(decoder.errors)
        decoded = decoder.advance(cancelled=cancelled, more=self._travel.in_a_row >= _SEQUENCE and self._goes_ahead)
        for packet, message in decoder.errors[known:]:
            if self._single:
                frame = self.index.frame_of(packet)
                if frame >= 0 and frame not in self._refused:
                    self._refused.add(frame)
                    self._note_damage(packet, Damage(frame, f"this picture cannot be decoded ({message})"))
                continue
            # With threads the refusal comes late: any packet still under way may be the damaged one.
            self._note_damage(packet, None)
            self._note_damage(max(decoder.start, packet - _UNDER_WAY), None)
        if decoder.failed and decoded is None:
            self._use_single()
        return decoded

    def _number(self, decoded: Decoded) -> int:
        return self.index.frame_of(decoded.packet, decoded.repeat)

    def _take(self, decoded: Decoded, *, wanted: int) -> Held | None:
        """Keep what the decoder gave where it can be trusted; None where it cannot."""
        number = self._number(decoded)
        if number < 0:
            return None
        if number < self._last_given and not len(self.index.checks) and ORDER_UNKNOWN not in self.index.doubts:
            # Decoders give pictures as they are shown, so the time stamps told another order than the stream has.
            self._note_damage(decoded.packet, None)
        self._last_given = max(self._last_given, number)
        self._first_given = number if self._first_given < 0 else self._first_given
        start = self._decoder.start
        if start and number < self.index.frame_of(start):
            return None  # leads an open group whose other half was not decoded
        if start and decoded.packet == start and is_no_start(decoded.frame, self.index, self._facts.codec):
            self._distrust_key_flags()
            return None
        held = Held(decoded.frame)
        if len(self.index.checks):
            if int(self.index.checks[number]) != check_sum(decoded.frame):
                if number == wanted:
                    self._unsure = Held(decoded.frame, sure=False)
                return None
        elif decoded.frame.is_corrupt:
            self._note_damage(decoded.packet, Damage(number, "the decoder had to make up parts of this picture"))
        held.sure = number not in self._suspect
        self._keep(number, held, wanted)
        return held

    def _distrust_key_flags(self) -> None:
        """What the container calls a key frame is none: decode from the beginning until a whole decode tells."""
        self.index = without_key_flags(self.index)
        self._last_given = self._first_given = -1
        self.ring.clear()

    def _keep(self, number: int, held: Held, wanted: int) -> None:
        if not self._travel.keeps(number, wanted):
            return
        scale = self._travel.scale_of(number)
        if scale < 1.0:
            held = Held(self._converter.reduced(held.picture, scale), scale, held.sure)
        self.ring.put(number, held)

    def _note_damage(self, packet: int, damage: Damage | None) -> None:
        """Pictures that lean on a damaged one are no longer sure, and the numbers are to be confirmed."""
        if len(self.index.checks):
            self.index = with_damage(self.index, damage) if damage is not None else self.index
            return
        affected = self.index.affected_by(packet).tolist()
        self._suspect.update(affected)
        for frame in affected:
            self.ring.drop(frame)
        doubts = self.index.doubts if FOUND_DAMAGE in self.index.doubts else (*self.index.doubts, FOUND_DAMAGE)
        index = with_damage(self.index, damage) if damage is not None else self.index
        self.index = replace(index, confirmed=False, doubts=doubts)

    # -- ahead of need -------------------------------------------------------------------------------------------

    def prefetch(self, *, ahead: int, cancelled: Cancelled | None) -> bool:
        """Decode one picture more in the direction of travel; False where there is nothing to do."""
        wanted = self._travel.missing(self.index, ahead)
        if wanted is None:
            return False
        follows = self._follows(wanted)
        if (self.ring.direction > 0 or not follows) and not self._travel.plan(self.index, wanted, patient=True):
            return False
        if not follows:
            self._start(self.index.nearest_start(wanted), wanted=wanted, jumped=False)
        decoded = self._advance(cancelled)
        if decoded is None or self._decoder.fed > self.index.packet_of(wanted) + _OVERSHOOT:
            self._travel.give_up(wanted)
            return False
        self._take(decoded, wanted=wanted)
        if self._number(decoded) == wanted and wanted not in self.ring:
            self._travel.tell_no_room(wanted)
        return True

    # -- the rest ------------------------------------------------------------------------------------------------

    def use_index(self, index: VideoIndex) -> None:
        """Take a better index of the same file. Pictures that may change, or turn out wrong, are forgotten."""
        old, known = self.index, self.index.frame_count
        self.index = index
        same_file = goes_on_from(index, old)
        grown = same_file and index.starts_like(old) and not self.losses.mismatched
        self.losses.forget(read_anew=not same_file)
        if self._frugal:
            self.ring.set_budget(_least_memory(self.index, self._facts))
        self._refused.clear()
        self._travel.forget_refusals()
        if grown and not len(index.checks):
            return
        unharmed = not (self._suspect or self._single or index.damage or len(old.checks))
        self._suspect = _told_damaged(index)
        if grown and unharmed and index.frame_count == known:
            _hold_against_checks(self.ring, index)
            return
        self.forget()
        self._rough = RoughGroups(index)
        self._change_decoder(single=False)

    def forget(self) -> None:
        """Drop all pictures; the next one is decoded from its key frame on."""
        self.ring.clear()
        self._last_given = self._first_given = -1

    def close(self) -> None:
        """Give back the file and the memory."""
        self._decoder.close()
        self.ring.clear()


def _hold_against_checks(ring: Ring, index: VideoIndex) -> None:
    """Keep the pictures in memory that are what the whole file's decode gave."""
    for frame in ring.frames():
        held = ring.get(frame)
        if held is not None and (held.scale < 1.0 or check_sum(held.picture) != int(index.checks[frame])):
            ring.drop(frame)


def _least_memory(index: VideoIndex, facts: StreamFacts) -> int:
    """Bytes with which reading in sequence decodes each picture once: all between a picture and its horizon.

    Not one more: a decoder that is given its memory back at once works within the processor's cache.
    """
    padding = 1.0 + _LINE_ALIGNMENT / max(1, facts.size[0])
    return max(_SMALL_MEMORY, int(padding * (index.longest_wait + 1) * facts.picture_bytes))


def _told_damaged(index: VideoIndex) -> set[int]:
    """Pictures that may be wrong because the container marks packets as damaged; none once checksums can tell."""
    if len(index.checks):
        return set()
    return {int(frame) for packet in np.flatnonzero(index.packets.corrupt) for frame in index.affected_by(int(packet))}


def spread(starts: list[int]) -> list[int]:
    """The nearest start, then 1, 2, 4, ... key frames further back, the very first packet last."""
    chosen = [starts[at] for at in [0, *(2**power for power in range(len(starts).bit_length()))] if at < len(starts)]
    return list(dict.fromkeys([*chosen, starts[-1]]))
