"""Measured speeds as values: of files (``speed.json``), of variants and of reports; which of them can be compared.

The window, ``eval`` and Python read and compare speeds here. A speed is a mapping of the fields of ``_Speed``; it is
kept with its variant, so the ratio to any baseline that was measured in the same rounds can be told later.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from scipy.special import stdtrit

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Float

SCHEMA = "iouviewer.speed/1"
PARTS = ("decode", "preprocess", "inference", "postprocess")
"""Stages of a frame, in their order."""
MAX_BYTES = 64 * 1024 * 1024
"""Larger files are not read: a measurement has some kilobytes."""

Speed = Mapping[str, Any]
"""The fields of ``_Speed``, as JSON values."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as fast as the baseline; ``low`` and ``high`` are the ends of the 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_distinguishable(self) -> bool:
        """Whether the interval leaves out 1."""
        return not self.low <= 1.0 <= self.high

    @property
    def text(self) -> str:
        """``1.31× [1.28, 1.35]``, and whether it says anything."""
        text = tr("{value:.2f}× [{low:.2f}, {high:.2f}]", value=self.value, low=self.low, high=self.high)
        return text if self.is_distinguishable else tr("{ratio}, not distinguishable", ratio=text)


# The file

_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Name = Annotated[str, msgspec.Meta(min_length=1)]


class _Speed(msgspec.Struct):
    """One model of a file. Names are part of the format; only ``name`` and ``fps`` are required."""

    name: _Name
    fps: _Positive
    fps_interval: tuple[_Positive, _Positive] | None = None
    fps_with_decoding: _Positive | None = None
    p50_ms: _Positive | None = None
    p95_ms: _Positive | None = None
    p99_ms: _Positive | None = None
    parts_ms: dict[str, Annotated[float, msgspec.Meta(ge=0)] | None] = {}
    rounds_ms: list[_Positive] = []
    weights_bytes: _Count | None = None
    parameters: _Count | None = None
    gflops: _Positive | None = None
    device: str = ""
    hardware: str = ""
    runtime: str = ""
    precision: str = ""
    threads: _Count | None = None
    imgsz: list[_Count] = []
    sha256: str = ""
    versions: dict[str, str] = {}


class _File(msgspec.Struct):
    schema: str
    models: Annotated[list[_Speed], msgspec.Meta(min_length=1)]
    measurement: str = ""
    hardware: str = ""
    system: str = ""
    batch: _Count = 1
    warnings: list[str] = []


def is_speed_file(path: Path) -> bool:
    """Whether a file says of itself that it holds speeds; only its beginning is read."""
    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return b"iouviewer.speed/" in head


def read_speeds(path: Path) -> dict[str, dict[str, Any]]:
    """The speeds of a ``speed.json``, by name of the model; each says in ``measured_there`` where it was measured.

    Raises:
        UserError: the file cannot be read, or a value is missing or impossible.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(tr("the file is too large for measured speeds"), path=path)
        data = path.read_bytes()
    except OSError as error:
        raise UserError(tr("cannot be read: {reason}", reason=error.strerror or error), path=path) from error
    remedy = tr("Write it with iouviewer bench --json, or as docs/formats.md describes it.")
    try:
        file = msgspec.json.decode(data, type=_File)
    except msgspec.DecodeError as error:  # what is wrong, and at which field
        raise UserError(
            tr("this is no list of measured speeds: {reason}", reason=error), path=path, remedy=remedy
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(tr("the text of the file is damaged"), path=path, remedy=remedy) from error
    if file.schema != SCHEMA:
        reason = tr("the file states the schema {found!r}, not {expected!r}", found=file.schema, expected=SCHEMA)
        raise UserError(reason, path=path, remedy=remedy)
    found: dict[str, dict[str, Any]] = {}
    measurement = file.measurement or hashlib.sha256(data).hexdigest()[:32]
    for model in file.models:
        if model.name in found:
            raise UserError(tr("the model {name!r} is listed twice", name=model.name), path=path)
        unknown = sorted(model.parts_ms.keys() - set(PARTS))
        if unknown:
            known = ", ".join(PARTS)
            reason = tr(
                "{name}: unknown stage {stage!r}; there are {known}", name=model.name, stage=unknown[0], known=known
            )
            raise UserError(reason, path=path)
        if model.fps_interval is not None and not model.fps_interval[0] <= model.fps <= model.fps_interval[1]:
            raise UserError(tr("{name}: fps lies outside fps_interval", name=model.name), path=path)
        found[model.name] = {
            **msgspec.to_builtins(model),
            "measurement": measurement,
            "system": file.system,
            "batch": file.batch,
            "warnings": list(file.warnings),
            "measured_there": path.name,
            "hardware": model.hardware or file.hardware,
        }
    return found


def assign_speeds(
    found: Mapping[str, Speed], variants: Mapping[str, str], path: Path
) -> tuple[dict[str, Speed], tuple[str, ...]]:
    """The speeds of a file for the variants of the same names, without regard to case.

    Args:
        variants: key -> name.

    Returns:
        key -> speed, and names of the file without a variant.

    Raises:
        UserError: no name fits.
    """
    folded = {name.casefold(): name for name in found}
    fitting = {key: folded[name.casefold()] for key, name in variants.items() if name.casefold() in folded}
    if not fitting:
        raise UserError(
            tr("no model of the file has the name of a variant: {names}", names=", ".join(found)),
            path=path,
            remedy=tr("Variants: {names}. Rename one, or the model in the file.", names=", ".join(variants.values())),
        )
    taken = set(fitting.values())
    return {key: found[name] for key, name in fitting.items()}, tuple(name for name in found if name not in taken)


def gather_speeds(
    names: Sequence[str], baseline: str, kept: Mapping[str, Speed], file: Path | None
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The speeds of these variants, with ratios, and notes on models of the file that are none of them.

    Args:
        kept: by name, what the project keeps with a variant; those of the file replace it.

    Raises:
        UserError: the file cannot be used.
    """
    found = {name: kept[name] for name in names if name in kept}
    notes: list[str] = []
    if file is not None:
        assigned, others = assign_speeds(read_speeds(file), {name: name for name in names}, file)
        found |= assigned
        if others:
            listed = ", ".join(others)
            notes.append(tr("{file}: no variant is called {names}", file=file.name, names=listed))
    return with_ratios(found, baseline), notes


# Comparison


def ratio_of(times: Float, baseline: Float) -> Ratio:
    """Speed relative to the baseline, from the rounds of both: the t interval of the mean logarithm of their ratio.

    Args:
        times, baseline: (rounds,) milliseconds a frame, both of the same rounds.
    """
    logs = np.log(baseline / times)
    middle, half = float(logs.mean()), _half_width(logs)
    return Ratio(math.exp(middle), math.exp(middle - half), math.exp(middle + half) if half < 700.0 else math.inf)


def _half_width(logs: Float) -> float:
    """Half the 95 % t interval of a mean; infinite for less than two values."""
    if len(logs) < 2:
        return math.inf
    return float(stdtrit(len(logs) - 1, 0.975)) * float(logs.std(ddof=1)) / math.sqrt(len(logs))


def fps_interval(fps: float, rounds_ms: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of frames per second from the rounds' median times; None for less than two rounds."""
    if len(rounds_ms) < 2:
        return None
    half = _half_width(np.log(np.asarray(rounds_ms, np.float64)))
    return fps * math.exp(-half), fps * math.exp(half)


def why_apart(one: Speed, other: Speed) -> str:
    """Why two speeds say nothing about the models: another device or machine; empty if they do.

    Args:
        one, other: with ``device`` and ``hardware``.
    """
    if (one["device"], one["hardware"]) == (other["device"], other["hardware"]):
        return ""
    key = "device" if one["device"] != other["device"] and one["hardware"] == other["hardware"] else "hardware"
    names = [str(speed[key] or speed["device"] or tr("unknown hardware")) for speed in (one, other)]
    return tr("measured on {one}, the baseline on {other}", one=names[0], other=names[1])


def compare_speeds(one: Speed, baseline: Speed | None) -> tuple[Ratio | None, str]:
    """The ratio to the baseline's speed, or None and the reason why there is none.

    Only speeds that were measured in the same rounds on the same machine have a ratio with an interval.
    """
    if baseline is None:
        return None, tr("the speed of the baseline was not measured")
    apart = why_apart(one, baseline)
    if apart:
        return None, apart
    rounds, others = one.get("rounds_ms") or (), baseline.get("rounds_ms") or ()
    if not one.get("measurement") or one["measurement"] != baseline.get("measurement"):
        return None, tr("not measured side by side with the baseline")
    if len(rounds) < 2 or len(rounds) != len(others):
        return None, tr("the measurement states no rounds, so the ratio has no interval")
    return ratio_of(np.asarray(rounds, np.float64), np.asarray(others, np.float64)), ""


def with_ratios(speeds: Mapping[str, Speed], baseline: str) -> dict[str, dict[str, Any]]:
    """The speeds by name, each with ``ratio`` to that of the baseline, or ``not_comparable`` with the reason."""
    found: dict[str, dict[str, Any]] = {}
    for name, speed in speeds.items():
        ratio, reason = (None, "") if name == baseline else compare_speeds(speed, speeds.get(baseline))
        values = None if ratio is None else {"value": ratio.value, "low": ratio.low, "high": _finite(ratio.high)}
        found[name] = {**speed, "ratio": values, "not_comparable": reason or None}
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def ratio_from(speed: Speed) -> Ratio | None:
    """The ratio to the baseline that ``with_ratios`` found."""
    values = speed.get("ratio")
    if not values:
        return None
    return Ratio(values["value"], values["low"], math.inf if values["high"] is None else values["high"])


def there_text(speed: Speed) -> str:
    """Where a speed comes from: "speed.json, measured on Jetson Orin"; empty for one that was measured here."""
    file = speed.get("measured_there")
    if not file:
        return ""
    place = speed.get("hardware") or speed.get("system") or tr("another machine")
    return tr("{file}, measured on {place}", place=place, file=file)


def speed_notes(speeds: Mapping[str, Speed]) -> list[str]:
    """What limits the speeds of some variants by name: a loaded machine, no difference, no ratio, another machine."""
    notes = list(dict.fromkeys(str(warning) for speed in speeds.values() for warning in speed.get("warnings", ())))
    ratios = {name: ratio_from(speed) for name, speed in speeds.items()}
    alike = [name for name, ratio in ratios.items() if ratio is not None and not ratio.is_distinguishable]
    if alike:
        notes.append(tr("Not distinguishable from the baseline: {names}.", names=", ".join(alike)))
    for reason, names in _by_value({name: speed.get("not_comparable") or "" for name, speed in speeds.items()}):
        notes.append(tr("No ratio for {names}: {reason}.", names=names, reason=reason))
    for place, names in _by_value({name: there_text(speed) for name, speed in speeds.items()}):
        notes.append(tr("The speed of {names} comes from {place}.", names=names, place=place))
    return notes


def _by_value(texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each text that is not empty, with the names that have it."""
    found: dict[str, list[str]] = {}
    for name, text in texts.items():
        if text:
            found.setdefault(text, []).append(name)
    return [(text, ", ".join(names)) for text, names in found.items()]
