"""A gate's judgements as text, as Markdown for a pull request and as JUnit XML for a CI server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from iouviewer.reports.text_table import points_text, text_table

CANNOT_JUDGE = "CANNOT JUDGE"
_METRICS = {"ap": "Δ AP", "pq": "Δ PQ", "avg_iou": "Δ Avg IoU"}


@dataclass(frozen=True, slots=True)
class VideoRow:
    """A variant on one of several videos: frames compared, and points by metric (None where undefined)."""

    name: str
    frames: int
    points: Mapping[str, float | None]

    def cells(self) -> list[str]:
        """Name, frames and the points of all metrics."""
        values = (self.points[metric] for metric in _METRICS)
        return [self.name, str(self.frames), *(points_text(None if v is None else v / 100) for v in values)]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One variant: PASS, FAIL, UNDECIDED or CANNOT_JUDGE, the sentence that says why, and a row for each of videos."""

    name: str
    outcome: str
    sentence: str
    videos: tuple[VideoRow, ...] = ()


def gate_text(judgements: Sequence[Judgement], notes: Sequence[str] = ()) -> str:
    """A sentence for each variant, its rows by video below it, then the notes."""
    lines = []
    for one in judgements:
        lines.append(f"{' '.join(one.sentence.split())}\n")
        if one.videos:
            table = text_table(("video", "frames", *_METRICS.values()), [row.cells() for row in one.videos])
            lines += [f"  {line}\n" for line in table.splitlines()]
    return "".join([*lines, *(f"Note: {note}\n" for note in notes)])


def _markdown_text(text: str) -> str:
    for special in "\\`*_|<>[]":
        text = text.replace(special, f"\\{special}")
    return " ".join(text.split())


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def gate_markdown(judgements: Sequence[Judgement], *, title: str, notes: Sequence[str] = ()) -> bytes:
    """A table with a line for each variant, with several videos one for each variant and video, then the notes."""
    lines = [f"## {_markdown_text(title)}", "", "| variant | verdict | why |", "| --- | --- | --- |"]
    lines += [
        _markdown_row([_markdown_text(one.name), f"**{one.outcome}**", _markdown_text(one.sentence)])
        for one in judgements
    ]
    rows = [[one.name, *row.cells()] for one in judgements for row in one.videos]
    if rows:
        header = ("variant", "video", "frames", *_METRICS.values())
        lines += ["", _markdown_row(header), "| --- | --- |" + " ---: |" * (len(header) - 2)]
        lines += [_markdown_row([_markdown_text(cell) for cell in row]) for row in rows]
    if notes:
        lines += ["", *(f"- {_markdown_text(note)}" for note in notes)]
    return ("\n".join(lines) + "\n").encode()


def _xml_text(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return "".join(
        c for c in text if (ord(c) >= 32 and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff") or c in "\t\n"
    )


def gate_junit(judgements: Sequence[Judgement], *, undecided_fails: bool) -> bytes:
    """A test case a variant: FAIL is a failure, UNDECIDED a failure or skipped, what cannot be judged an error.

    With several videos each case has properties ``VIDEO: frames`` and ``VIDEO: ap``, ``pq``, ``avg_iou`` in points.
    """
    kinds = {"FAIL": "failure", CANNOT_JUDGE: "error", "UNDECIDED": "failure" if undecided_fails else "skipped"}
    found = [kinds.get(one.outcome) for one in judgements]
    counts = {"tests": len(found), "failures": found.count("failure"), "errors": found.count("error")}
    suite = ElementTree.Element("testsuite", name="iouviewer gate", skipped=str(found.count("skipped")))
    for key, value in counts.items():
        suite.set(key, str(value))
    for one, kind in zip(judgements, found, strict=True):
        case = ElementTree.SubElement(suite, "testcase", classname="iouviewer.gate", name=_xml_text(one.name))
        if one.videos:
            _add_properties(case, one.videos)
        if kind is not None:
            ElementTree.SubElement(case, kind, message=_xml_text(f"{one.outcome}: {one.sentence}"))
    return bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add_properties(case: ElementTree.Element, videos: Sequence[VideoRow]) -> None:
    properties = ElementTree.SubElement(case, "properties")
    for video in videos:
        values = {"frames": str(video.frames)}
        values |= {metric: "" if v is None else f"{v:.6g}" for metric, v in video.points.items()}
        for key, value in values.items():
            ElementTree.SubElement(properties, "property", name=_xml_text(f"{video.name}: {key}"), value=value)
