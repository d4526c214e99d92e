"""Checks of everything that a worker sends: a worker may be another version, behind ``ssh``, or run a broken model.

What passes here may be stored, drawn and scored without further checks. A message that does not pass ends its run with
a reason; the frames that were good stay.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import numpy as np
from msgspec.structs import replace

from iouviewer.i18n import tr, tr_n
from iouviewer.inference.protocol import (
    Detections,
    Exported,
    ExportProgress,
    Failed,
    FailureKind,
    Finished,
    FrameDetections,
    ModelLoaded,
    RunProgress,
    pack,
)

MAX_COORDINATE = 1e6
"""Coordinates of larger magnitude are wrong: no picture has so many pixels on a side."""
MAX_SCORE = 1.001
"""Runtimes of reduced precision return a score of 1 with an error in the last digits."""
MAX_SECONDS = 1e9
MAX_MILLISECONDS = 1e7
MAX_CLASSES = 100_000
MAX_SIDE = 1 << 16
MAX_FRAME = (1 << 31) - 1
MAX_LINE, MAX_DETAIL = 500, 20_000
"""Characters of a failure's texts that are kept."""
_NMS = ("run", "model", "none")
_SHA256 = re.compile(r"[0-9a-f]{64}")

WROTE_A_MODEL = tr("it wrote a model where it should run one")
FRAMES_KEPT = tr("Finished frames are kept.")


class InvalidMessageError(Exception):
    """A message that contradicts the request, the model or itself.

    Args:
        reason: what is wrong with it, in plain words.
        remedy: what the user can do.
        good: the good frames of the message.
        kind: machine-readable reason.
    """

    def __init__(
        self,
        reason: str,
        remedy: str = "",
        good: FrameDetections | None = None,
        kind: FailureKind = FailureKind.PROTOCOL,
    ) -> None:
        super().__init__(reason)
        self.reason, self.remedy, self.good, self.kind = reason, remedy, good, kind

    def to_failure(self, log: str) -> Failed:
        """The end of the run that received the message."""
        return Failed(
            kind=self.kind,
            message=tr("the inference process sent wrong data: {reason}", reason=self.reason),
            remedy=" ".join(filter(None, (self.remedy, FRAMES_KEPT))),
            detail=log,
        )


@dataclass
class MessageChecks:
    """The state of one run that its messages must fit to.

    Attributes:
        frames: that were asked for; None: all of the video, whose number is unknown here.
        max_det: that was asked for.
        trusted: sha256 of files that may run code.
        is_cancelled: whether the worker was told to stop.
    """

    frames: tuple[int, ...] | None
    max_det: int
    trusted: tuple[str, ...] = ()
    is_cancelled: bool = False
    _model: ModelLoaded | None = None
    _numbering: str | None = None
    _received: set[int] = field(default_factory=set)
    _requested: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self._requested = frozenset(self.frames or ())

    def check(
        self, message: ModelLoaded | RunProgress | FrameDetections | Finished | Failed | ExportProgress | Exported
    ) -> None:
        """Pass a message or raise InvalidMessageError; a ``FrameDetections`` that passes can be unpacked."""
        if isinstance(message, ExportProgress | Exported):
            raise InvalidMessageError(WROTE_A_MODEL)
        if isinstance(message, ModelLoaded):
            self._check_model(message)
            self._model = message
        elif isinstance(message, Failed):
            self._check_failure(message)
        elif self._model is None:
            raise InvalidMessageError(tr("results arrived before the model was loaded"))
        elif isinstance(message, RunProgress):
            self._check_progress(message)
        elif isinstance(message, FrameDetections):
            self._check_detections(message, self._model)
        else:
            self._check_end(message)

    def _check_model(self, model: ModelLoaded) -> None:
        if self._model is not None:
            raise InvalidMessageError(tr("the model was loaded twice"))
        wrong = ""
        if not all(0 < side <= MAX_SIDE for side in model.imgsz):
            wrong = tr("an input size of {height} × {width} pixels", height=model.imgsz[0], width=model.imgsz[1])
        elif model.floor is not None and not 0 <= model.floor <= 1:
            wrong = tr("a minimum confidence of {value:g}", value=model.floor)
        elif model.nms not in _NMS:
            wrong = tr("an unknown kind of NMS, {name!r}", name=model.nms[:MAX_LINE])
        elif model.nms_iou is not None and not 0 <= model.nms_iou <= 1:
            wrong = tr("an NMS IoU of {value:g}", value=model.nms_iou)
        elif not 0 < model.max_det <= self.max_det:
            wrong = tr(
                "max detections {value:,} where {asked:,} were asked for", value=model.max_det, asked=self.max_det
            )
        elif len(model.names) > MAX_CLASSES or len(model.versions) > MAX_CLASSES:
            wrong = tr("{count:,} classes", count=len(model.names))
        elif max(map(len, _texts(model)), default=0) > MAX_LINE:
            wrong = tr("a text of more than {count:,} characters", count=MAX_LINE)
        elif not 0 <= model.threads <= MAX_SIDE:
            wrong = tr("{count:,} threads", count=model.threads)
        elif model.parameters < 0 or not 0 <= model.gflops < math.inf:
            wrong = tr("{count:,} parameters", count=model.parameters)
        if wrong:
            raise InvalidMessageError(tr("it describes the model with {what}", what=wrong))

    def _check_failure(self, failure: Failed) -> None:
        if failure.kind is not FailureKind.NEEDS_TRUST:
            return
        if self._model is not None or not _SHA256.fullmatch(failure.sha256) or failure.sha256 in self.trusted:
            raise InvalidMessageError(tr("it asks for trust without naming a file that is not trusted yet"))

    def _check_progress(self, progress: RunProgress) -> None:
        if not 0 <= progress.done <= progress.total or not 0 <= progress.seconds <= MAX_SECONDS:
            raise InvalidMessageError(
                tr(
                    "a progress of {done:,} of {total:,} frames after {seconds:g} s",
                    done=progress.done,
                    total=progress.total,
                    seconds=progress.seconds,
                )
            )
        if self.frames is not None and progress.total != len(self.frames):
            raise InvalidMessageError(
                tr(
                    "it counts {total:,} frames where {asked:,} were asked for",
                    total=progress.total,
                    asked=len(self.frames),
                )
            )

    # Boxes

    def _check_detections(self, message: FrameDetections, model: ModelLoaded) -> None:
        if min(message.counts, default=0) < 0:
            raise InvalidMessageError(tr("a frame with a negative number of boxes"))
        try:
            found = message.unpack()
        except ValueError:
            raise InvalidMessageError(
                tr("the numbers of frames, boxes, scores and classes in a message contradict each other")
            ) from None
        if found and message.numbering != (self._numbering if self._numbering is not None else message.numbering):
            raise InvalidMessageError(tr("the numbering of the frames changed during the run"))
        self._numbering = message.numbering if found else self._numbering
        good: list[Detections] = []
        first: InvalidMessageError | None = None
        for detections in found:
            problem = self._problem(detections, model)
            if problem is None:
                self._received.add(detections.frame)
                good.append(detections)
            elif first is None:
                first = problem
        if first is not None:
            kept = pack(good, message.numbering) if good else None
            raise InvalidMessageError(first.reason, first.remedy, kept, first.kind)

    def _problem(self, found: Detections, model: ModelLoaded) -> InvalidMessageError | None:
        """What is wrong with the boxes of one frame; None if nothing is."""
        frame = found.frame
        if not 0 <= frame <= MAX_FRAME or (self.frames is not None and frame not in self._requested):
            return InvalidMessageError(tr("frame {frame} was not asked for", frame=frame))
        if frame in self._received:
            return InvalidMessageError(tr("frame {frame:,} came twice", frame=frame))
        if len(found.scores) > model.max_det:
            return InvalidMessageError(
                tr_n(
                    "frame {frame:,} has {boxes:,} boxes where the model returns at most {count}",
                    "frame {frame:,} has {boxes:,} boxes where the model returns at most {count:,}",
                    model.max_det,
                    frame=frame,
                    boxes=len(found.scores),
                )
            )
        return _problem_of_numbers(found) or _problem_of_classes(found, model)

    # The end

    def _check_end(self, finished: Finished) -> None:
        received = len(self._received)
        if finished.done != received or not 0 <= finished.seconds <= MAX_SECONDS:
            raise InvalidMessageError(
                tr(
                    "it finished with {done:,} frames after {seconds:g} s, but sent {received:,}",
                    done=finished.done,
                    seconds=finished.seconds,
                    received=received,
                )
            )
        if any(not 0 < side <= MAX_SIDE for size in finished.inputs for side in size):
            raise InvalidMessageError(tr("it describes the model with an input size that cannot be"))
        if finished.cancelled and not self.is_cancelled:
            raise InvalidMessageError(tr("it says that the run was cancelled, but nobody cancelled it"))
        unreadable = set(finished.unreadable)
        outside = any(not 0 <= frame <= MAX_FRAME for frame in unreadable)
        if outside or unreadable & self._received or len(unreadable) < len(finished.unreadable):
            raise InvalidMessageError(tr("the frames that it skipped contradict those that it sent"))
        if self.frames is None:
            return
        if not unreadable <= self._requested:
            raise InvalidMessageError(tr("it skipped frames that were not asked for"))
        missing = len(self._requested - self._received - unreadable)
        if missing and not finished.cancelled:
            raise InvalidMessageError(
                tr_n(
                    "it finished, but {count} frame of {total:,} is missing",
                    "it finished, but {count:,} frames of {total:,} are missing",
                    missing,
                    total=len(self._requested),
                )
            )


def _texts(model: ModelLoaded) -> list[str]:
    """All texts that describe a model."""
    facts = [model.device, model.task, model.runtime, model.precision, model.sha256, model.hardware]
    return [*model.names, *facts, *model.versions, *model.versions.values()]


def _problem_of_numbers(found: Detections) -> InvalidMessageError | None:
    boxes, scores, times = found.boxes, found.scores, found.times
    reason = ""
    if not np.isfinite(boxes).all():
        reason = tr("frame {frame:,} has a box whose corners are not numbers", frame=found.frame)
    elif len(boxes) and float(np.abs(boxes).max()) > MAX_COORDINATE:
        reason = tr("frame {frame:,} has a box far outside of any picture", frame=found.frame)
    elif not np.isfinite(scores).all():
        reason = tr("frame {frame:,} has a score that is not a number", frame=found.frame)
    elif len(scores) and not (scores.min() >= 0 and scores.max() <= MAX_SCORE):
        reason = tr(
            "frame {frame:,} has a score of {score:g}, which is not between 0 and 1",
            frame=found.frame,
            score=float(scores.min() if scores.min() < 0 else scores.max()),
        )
    elif not (np.isfinite(times).all() and times.min() >= 0 and times.max() <= MAX_MILLISECONDS) or not (
        np.isnan(found.decode) or 0 <= found.decode <= MAX_MILLISECONDS
    ):
        return InvalidMessageError(tr("frame {frame:,} has a time that cannot be", frame=found.frame))
    if not reason:
        return None
    remedy = tr("The model may be damaged, or not work in reduced precision: export it again in full precision.")
    return InvalidMessageError(reason, remedy, kind=FailureKind.INVALID_OUTPUT)


def _problem_of_classes(found: Detections, model: ModelLoaded) -> InvalidMessageError | None:
    classes = found.classes
    if not len(classes) or (classes.min() >= 0 and classes.max() < len(model.names)):
        return None
    reason = tr_n(
        "frame {frame:,} has a box of class number {number}, but the model names {count} class",
        "frame {frame:,} has a box of class number {number}, but the model names {count:,} classes",
        len(model.names),
        frame=found.frame,
        number=int(classes.min() if classes.min() < 0 else classes.max()),
    )
    remedy = tr(
        "The model may be for another task than its file says, for example segmentation: choose a detection model."
    )
    return InvalidMessageError(reason, remedy, kind=FailureKind.INVALID_OUTPUT)


def cleaned(failure: Failed) -> Failed:
    """A worker's failure as it may be shown: one line for each text, of limited length."""
    return replace(
        failure,
        message=one_line(failure.message) or tr("the inference process failed without saying why"),
        remedy=one_line(failure.remedy),
        detail=failure.detail[-MAX_DETAIL:],
        path=one_line(failure.path.replace("\0", "")),
        sha256=failure.sha256 if _SHA256.fullmatch(failure.sha256) else "",
    )


def one_line(text: str) -> str:
    """A text without line breaks and control characters, cut at ``MAX_LINE`` characters."""
    plain = "".join(character if character.isprintable() else " " for character in text[: 4 * MAX_LINE])
    joined = " ".join(plain.split())
    return joined if len(joined) <= MAX_LINE else f"{joined[: MAX_LINE - 1]}…"
