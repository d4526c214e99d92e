"""What the runs of two variants did differently, beside their verdict: a difference in scores may come from there.

Only facts that both sides state are compared (``PredictionSet.protocol``); what a side does not know is no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.run_facts import device_name


class Run(Protocol):
    """Predictions with what is known of the run that made them."""

    @property
    def protocol(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class RunDifference:
    """One fact that differs, or weights that are the same under two names.

    Attributes:
        what: ``imgsz``, ``nms``, ``max_det``, ``floor``, ``device``, ``runtime``, ``precision``, ``video`` or
            ``weights``.
        variant, baseline: the facts as text; of ``weights`` the start of their hash, twice.
        text: both, for people, without a full stop.
    """

    what: str
    variant: str
    baseline: str
    text: str

    @property
    def values(self) -> dict[str, str]:
        """For JSON."""
        return {"what": self.what, "variant": self.variant, "baseline": self.baseline, "text": self.text}


@dataclass(frozen=True, slots=True)
class _Fact:
    """A fact of runs: its key, its name for people, and its value as text (None where a run does not state it)."""

    what: str
    title: str
    read: Callable[[Mapping[str, Any]], str | None]


def find_run_differences(
    variants: Mapping[str, Run], key: str, baseline: str, names: Mapping[str, str]
) -> tuple[RunDifference, ...]:
    """What differs between the run of one variant and that of the baseline, and whose weights it shares.

    Args:
        variants: all variants by key; those of ``key`` and ``baseline`` may be missing.
        names: variant names by key.
    """
    if key not in variants or baseline not in variants or key == baseline:
        return ()
    one, other = _comparable(variants[key].protocol, variants[baseline].protocol)
    found = []
    for fact in _FACTS:
        mine, theirs = fact.read(one), fact.read(other)
        if mine is not None and theirs is not None and mine != theirs:
            text = tr("{what} {variant} against {baseline}", what=fact.title, variant=mine, baseline=theirs)
            found.append(RunDifference(fact.what, mine, theirs, text))
    video = _video_difference(one, other)
    digest = _text(one.get("sha256"))
    same = [names[k] for k, v in variants.items() if k != key and digest and _text(v.protocol.get("sha256")) == digest]
    if digest and same:
        text = tr("the same weights as {names}", names=", ".join(same))
        found.append(RunDifference("weights", digest[:12], digest[:12], text))
    return (*found, *([video] if video is not None else []))


def pooled_differences(
    videos: Iterable[Mapping[str, Run]], key: str, baseline: str, names: Mapping[str, str]
) -> tuple[RunDifference, ...]:
    """The differences of ``find_run_differences`` in any of several videos, each once."""
    found = (one for variants in videos for one in find_run_differences(variants, key, baseline, names))
    return tuple(dict.fromkeys(found))


def describe_run_differences(variant: str, baseline: str, differences: Sequence[RunDifference]) -> str:
    """All differences in one sentence; empty if there are none."""
    if not differences:
        return ""
    facts = "; ".join(one.text for one in differences)
    return tr("How {variant} and {baseline} were run: {facts}.", variant=variant, baseline=baseline, facts=facts)


def _comparable(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Both protocols; the sizes that occurred are compared only where both are known."""
    if one.get("inputs") and other.get("inputs"):
        return one, other
    return {**one, "inputs": None}, {**other, "inputs": None}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _size_text(value: Any) -> str | None:
    """Width × height from [height, width] or the side of a square."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value, value]
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(isinstance(side, int) for side in value):
        return None
    return f"{value[1]} × {value[0]}"


def _input_size(protocol: Mapping[str, Any]) -> str | None:
    """The sizes of the network's input that occurred; of older runs the size that the model was loaded with."""
    inputs = protocol.get("inputs")
    texts = [text for one in inputs if (text := _size_text(one))] if isinstance(inputs, list | tuple) else []
    return ", ".join(texts) if texts else _size_text(protocol.get("imgsz"))


def _nms(protocol: Mapping[str, Any]) -> str | None:
    iou, kind = _number(protocol.get("nms_iou")), protocol.get("nms", "run")
    if kind == "model":
        return tr("in the model") if iou is None else tr("in the model, IoU {iou:g}", iou=iou)
    if kind == "none":
        return tr("none")
    return None if iou is None else tr("IoU {iou:g}", iou=iou)


def _floor(protocol: Mapping[str, Any]) -> str | None:
    if "floor" not in protocol:
        return None
    floor = _number(protocol["floor"])
    return tr("of the model") if floor is None else f"{floor:g}"


def _max_detections(protocol: Mapping[str, Any]) -> str | None:
    count = _number(protocol.get("max_det"))
    return None if count is None else tr_n("{count} per frame", "{count:,} per frame", int(count))


def _device(protocol: Mapping[str, Any]) -> str | None:
    device = _text(protocol.get("device"))
    return None if device is None else device_name(device)


_FACTS = (
    _Fact("imgsz", tr("input size"), _input_size),
    _Fact("nms", tr("NMS"), _nms),
    _Fact("max_det", tr("max detections"), _max_detections),
    _Fact("floor", tr("score floor"), _floor),
    _Fact("device", tr("device"), _device),
    _Fact("runtime", tr("runtime"), lambda protocol: _text(protocol.get("runtime"))),
    _Fact("precision", tr("precision"), lambda protocol: _text(protocol.get("precision"))),
)


def _video_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> RunDifference | None:
    """Videos of different content; where a fingerprint is not known, of different names."""
    marks = [_text(protocol.get("fingerprint")) for protocol in (one, other)]
    names = [_text(protocol.get("video")) for protocol in (one, other)]
    pair = marks if all(marks) else names
    if not all(pair) or pair[0] == pair[1]:
        return None
    shown = names if all(names) and names[0] != names[1] else [str(text)[:12] for text in pair]
    text = tr("{what} {variant} against {baseline}", what=tr("video"), variant=shown[0], baseline=shown[1])
    return RunDifference("video", str(shown[0]), str(shown[1]), text)
