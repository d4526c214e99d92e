"""Formats a gate's judgements as text, as Markdown for a pull request and as JUnit XML for a CI server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from iouviewer.document.metric_columns import Output, columns_for, points_text
from iouviewer.i18n import tr
from iouviewer.metrics.verdict import Outcome
from iouviewer.reports.data_files import text_bytes
from iouviewer.reports.text_table import text_table


def _delta_titles() -> list[str]:
    return [column.title for column in columns_for(Output.GATE)]


@dataclass(frozen=True, slots=True)
class VideoRow:
    """A variant on one of several videos: frames compared, and points by metric (None where undefined)."""

    name: str
    frames: int
    points: Mapping[str, float | None]

    def cells(self) -> list[str]:
        """Name, frames and the points of all metrics."""
        values = (self.points[column.field] for column in columns_for(Output.GATE))
        return [self.name, str(self.frames), *(points_text(None if v is None else v / 100) for v in values)]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The judgement of one variant.

    Attributes:
        sentence: says why.
        videos: one row per video where there are several.
        reason: why the variant cannot be judged, else empty.
        remedy: what to do about it, empty where nothing is known.
        run_note: what its run did differently from the baseline's, in one sentence; empty if nothing.
    """

    name: str
    outcome: Outcome
    sentence: str
    videos: tuple[VideoRow, ...] = ()
    reason: str = ""
    remedy: str = ""
    run_note: str = ""

    @property
    def outcome_text(self) -> str:
        """The outcome in words."""
        return self.outcome.replace("_", " ")


def gate_text(judgements: Sequence[Judgement], notes: Sequence[str] = ()) -> str:
    """One sentence per variant with its rows by video below, then the notes."""
    lines = []
    for judgement in judgements:
        lines.append(f"{' '.join(judgement.sentence.split())}\n")
        if judgement.run_note:
            lines.append(f"  {' '.join(judgement.run_note.split())}\n")
        if judgement.videos:
            header = (tr("Video"), tr("Frames"), *_delta_titles())
            table = text_table(header, [row.cells() for row in judgement.videos])
            lines += [f"  {line}\n" for line in table.splitlines()]
    return "".join([*lines, *(tr("Note: {note}", note=note) + "\n" for note in notes)])


def markdown_text(text: str) -> str:
    """The text in one line, without anything that Markdown would format."""
    for special in "\\`*_|<>[]":
        text = text.replace(special, f"\\{special}")
    return " ".join(text.split())


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def gate_markdown(judgements: Sequence[Judgement], *, title: str, notes: Sequence[str] = ()) -> bytes:
    """A table with one row per variant; for several videos also a table with one row per variant and video; then the
    notes.
    """
    header = (tr("Variant"), tr("Verdict"), tr("Reason"))
    lines = [f"## {markdown_text(title)}", "", _markdown_row(header), "| --- | --- | --- |"]
    lines += [
        _markdown_row(
            [markdown_text(one.name), f"**{one.outcome_text}**", markdown_text(f"{one.sentence} {one.run_note}")]
        )
        for one in judgements
    ]
    rows = [[judgement.name, *row.cells()] for judgement in judgements for row in judgement.videos]
    if rows:
        by_video = (tr("Variant"), tr("Video"), tr("Frames"), *_delta_titles())
        lines += ["", _markdown_row(by_video), "| --- | --- |" + " ---: |" * (len(by_video) - 2)]
        lines += [_markdown_row([markdown_text(cell) for cell in row]) for row in rows]
    if notes:
        lines += ["", *(f"- {markdown_text(note)}" for note in notes)]
    return text_bytes("\n".join(lines) + "\n")


def _xml_text(text: str) -> str:
    """The text without the characters that XML 1.0 does not allow."""
    return "".join(
        c for c in text if (ord(c) >= 32 and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff") or c in "\t\n"
    )


def gate_junit(judgements: Sequence[Judgement], *, undecided_fails: bool) -> bytes:
    """One test case per variant, as ``judgements_junit``."""
    return judgements_junit(judgements, command="gate", undecided_fails=undecided_fails)


Condition = tuple[str, bool]
"""The text of ``--fail-if``, and whether it holds."""


def judgements_junit(
    judgements: Sequence[Judgement], *, command: str, undecided_fails: bool, condition: Condition | None = None
) -> bytes:
    """One test case per variant, and one for a condition, which fails if it holds.

    FAIL is a failure, UNDECIDED a failure or skipped, CANNOT_JUDGE an error. With several videos each case has the
    properties ``VIDEO: frames`` and ``VIDEO: ap``, ``pq``, ``avg_iou`` in points.

    Args:
        command: of the program, for the names of suite and cases.
    """
    kinds = {
        Outcome.PASS: None,
        Outcome.FAIL: "failure",
        Outcome.CANNOT_JUDGE: "error",
        Outcome.UNDECIDED: "failure" if undecided_fails else "skipped",
    }
    results = [kinds[one.outcome] for one in judgements]
    suite = ElementTree.Element("testsuite", name=" ".join(("iouviewer", command)))
    for judgement, kind in zip(judgements, results, strict=True):
        case = _case(suite, command, judgement.name)
        if judgement.videos:
            _add_properties(case, judgement.videos)
        if kind is not None:
            ElementTree.SubElement(case, kind, message=_xml_text(f"{judgement.outcome_text}: {judgement.sentence}"))
        if judgement.run_note:
            ElementTree.SubElement(case, "system-out").text = _xml_text(judgement.run_note)
    if condition is not None:
        text, holds = condition
        case = _case(suite, command, text)
        results.append("failure" if holds else None)
        if holds:
            message = _xml_text(tr("The condition holds: {condition}", condition=text))
            ElementTree.SubElement(case, "failure", message=message)
    counts = {"skipped": "skipped", "failures": "failure", "errors": "error"}
    for key, kind in {"tests": None, **counts}.items():
        suite.set(key, str(len(results) if kind is None else results.count(kind)))
    return bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(suite: ElementTree.Element, command: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=f"iouviewer.{command}", name=_xml_text(name))


def _add_properties(case: ElementTree.Element, videos: Sequence[VideoRow]) -> None:
    properties = ElementTree.SubElement(case, "properties")
    for video in videos:
        values = {"frames": str(video.frames)}
        values |= {metric: "" if v is None else f"{v:.6g}" for metric, v in video.points.items()}
        for key, value in values.items():
            ElementTree.SubElement(properties, "property", name=_xml_text(f"{video.name}: {key}"), value=value)
