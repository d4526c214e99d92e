"""A gate's judgements as Markdown for a pull request and as JUnit XML for a CI server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

CANNOT_JUDGE = "CANNOT JUDGE"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One variant: PASS, FAIL, UNDECIDED or CANNOT_JUDGE, and the sentence that says why."""

    name: str
    outcome: str
    sentence: str


def _markdown_text(text: str) -> str:
    for special in "\\`*_|<>[]":
        text = text.replace(special, f"\\{special}")
    return text


def gate_markdown(judgements: Sequence[Judgement], *, title: str) -> bytes:
    """A table with one line a variant."""
    lines = [f"## {_markdown_text(title)}", "", "| variant | verdict | why |", "| --- | --- | --- |"]
    lines += [
        f"| {_markdown_text(one.name)} | **{one.outcome}** | {_markdown_text(one.sentence)} |" for one in judgements
    ]
    return ("\n".join(lines) + "\n").encode()


def _xml_text(text: str) -> str:
    """Without the control characters that XML 1.0 cannot hold."""
    return "".join(c for c in text if ord(c) >= 32 or c in "\t\n")


def gate_junit(judgements: Sequence[Judgement], *, undecided_fails: bool) -> bytes:
    """A test case a variant: FAIL is a failure, UNDECIDED a failure or skipped, what cannot be judged an error."""
    kinds = {"FAIL": "failure", CANNOT_JUDGE: "error", "UNDECIDED": "failure" if undecided_fails else "skipped"}
    found = [kinds.get(one.outcome) for one in judgements]
    counts = {"tests": len(found), "failures": found.count("failure"), "errors": found.count("error")}
    suite = ElementTree.Element("testsuite", name="iouviewer gate", skipped=str(found.count("skipped")))
    for key, value in counts.items():
        suite.set(key, str(value))
    for one, kind in zip(judgements, found, strict=True):
        case = ElementTree.SubElement(suite, "testcase", classname="iouviewer.gate", name=_xml_text(one.name))
        if kind is not None:
            ElementTree.SubElement(case, kind, message=_xml_text(f"{one.outcome}: {one.sentence}"))
    return bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)) + b"\n"
