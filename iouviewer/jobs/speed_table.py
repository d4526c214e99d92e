"""The table of measured speeds: a row for each fact, a column for each variant; for the window and for text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.i18n import tr
from iouviewer.jobs.speeds import PARTS, Speed, ratio_from

_MAIN = (tr("FPS"), tr("Ratio"))


@dataclass(frozen=True, slots=True)
class SpeedFact:
    """One row of the table of speeds.

    Attributes:
        title, definition: for people.
        cells: a text for each variant.
        is_main: what variants are chosen by.
    """

    title: str
    definition: str
    cells: tuple[str, ...]
    is_main: bool = False


def _number(value: object, digits: int, scale: float = 1.0) -> str:
    return f"{float(value) / scale:.{digits}f}" if isinstance(value, int | float) and value else UNDEFINED


def _interval(ends: object, digits: int) -> str:
    if not isinstance(ends, list | tuple) or None in ends:
        return UNDEFINED
    return f"{ends[0]:.{digits}f}–{ends[1]:.{digits}f}"


def _ratio_cells(speed: Speed) -> tuple[str, str]:
    found = ratio_from(speed)
    if found is None:
        return UNDEFINED, UNDEFINED
    return tr("{value:.2f}×", value=found.value), _interval((found.low, found.high), 2)


def speed_facts(speeds: Iterable[Speed]) -> tuple[SpeedFact, ...]:
    """The table of speeds of ``speeds.with_ratios``, without minor rows where all values are unknown."""
    listed = list(speeds)
    facts = (*_times(listed), *_conditions(listed)) if listed else ()
    return tuple(fact for fact in facts if fact.is_main or set(fact.cells) != {UNDEFINED})


def _row(title: str, definition: str, cells: Iterable[str]) -> SpeedFact:
    return SpeedFact(title, definition, tuple(cells), title in _MAIN)


def _numbers(listed: list[Speed], title: str, definition: str, key: str, digits: int, scale: float = 1.0) -> SpeedFact:
    return _row(title, definition, (_number(speed.get(key), digits, scale) for speed in listed))


def _words(listed: list[Speed], title: str, definition: str, key: str) -> SpeedFact:
    return _row(title, definition, (str(speed.get(key) or UNDEFINED) for speed in listed))


def _times(listed: list[Speed]) -> tuple[SpeedFact, ...]:
    ratios = [_ratio_cells(speed) for speed in listed]
    stage = tr("Median milliseconds of this stage, a frame.")
    titles = {"decode": tr("Decode ms"), "preprocess": tr("Preprocess ms")}
    titles |= {"inference": tr("Inference ms"), "postprocess": tr("Postprocess ms")}
    return (
        _numbers(listed, tr("FPS"), tr("1000 / median milliseconds a frame, without decoding."), "fps", 1),
        _row(
            tr("FPS, 95 %"),
            tr("95 % interval of the frames per second, from the rounds."),
            (_interval(speed.get("fps_interval"), 1) for speed in listed),
        ),
        _row(tr("Ratio"), tr("Times as fast as the baseline, in the same rounds."), (one for one, _ in ratios)),
        _row(tr("Ratio, 95 %"), tr("95 % interval of the ratio; 1 in it: no difference."), (one for _, one in ratios)),
        _numbers(
            listed,
            tr("FPS with decoding"),
            tr("Frames per second with decoding before each frame."),
            "fps_with_decoding",
            1,
        ),
        *(
            _row(titles[part], stage, (_number((speed.get("parts_ms") or {}).get(part), 1) for speed in listed))
            for part in PARTS
        ),
        _numbers(listed, tr("p50 ms"), tr("Half of the frames take at most this long, without decoding."), "p50_ms", 1),
        _numbers(listed, tr("p95 ms"), tr("95 % of the frames take at most this long, without decoding."), "p95_ms", 1),
        _numbers(listed, tr("p99 ms"), tr("99 % of the frames take at most this long, without decoding."), "p99_ms", 1),
    )


def _conditions(listed: list[Speed]) -> tuple[SpeedFact, ...]:
    return (
        _numbers(
            listed, tr("Size MB"), tr("Size of the weights in megabytes (1,000,000 bytes)."), "weights_bytes", 1, 1e6
        ),
        _numbers(listed, tr("Parameters M"), tr("Millions of weights."), "parameters", 2, 1e6),
        _numbers(listed, tr("GFLOPs"), tr("1e9 floating-point operations for one frame."), "gflops", 1),
        _words(listed, tr("Runtime"), tr("What runs the model."), "runtime"),
        _words(listed, tr("Precision"), tr("Of the weights."), "precision"),
        _row(
            tr("Input"),
            tr("Height and width of the network's input in pixels."),
            (" × ".join(map(str, speed.get("imgsz") or ())) or UNDEFINED for speed in listed),
        ),
        _numbers(listed, tr("Batch"), tr("Frames that the model takes at once."), "batch", 0),
        _numbers(listed, tr("Threads"), tr("Threads that process a frame."), "threads", 0),
        _words(listed, tr("Device"), tr("What the model runs on."), "device"),
        _words(listed, tr("Hardware"), tr("Processor or GPU."), "hardware"),
        _row(
            tr("Measured"),
            tr("This machine, or the one of the imported file."),
            (tr("there") if speed.get("measured_there") else tr("here") for speed in listed),
        ),
    )
