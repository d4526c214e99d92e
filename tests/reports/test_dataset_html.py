"""The report on a dataset: every number that it shows is one that it was given."""

from __future__ import annotations

import html
import re

from iouviewer.document.dataset import Dataset, DatasetSource, SourceNumbers, SourceProgress, VariantNumbers
from iouviewer.metrics.verdict import Difference, Outcome
from iouviewer.reports.dataset_html import dataset_html
from iouviewer.reports.gate_reports import Judgement


def report(name: str) -> str:
    progress = SourceProgress("s", 200, 199, 3, 1000, 640, 480, 25.0, variants=("base", "int8"))
    int8 = VariantNumbers(0.4, 0.5, 0.6, 100, "FAIL", -2.0, -3.0, -1.0)
    sources = [
        DatasetSource(-1, f"/x/{name}", progress=progress, numbers=SourceNumbers("s", 7, "base", {"int8": int8})),
        DatasetSource(-1, "/x/new.mp4"),
        DatasetSource(-1, "/x/left-out.mp4", included=False),
    ]
    pooled = {"int8": Difference("ap", -1.5, -4.0, 1.0, 1.0, Outcome.UNDECIDED)}
    judgements = [Judgement("int8", Outcome.UNDECIDED, "int8: UNDECIDED against base")]
    return dataset_html(
        Dataset().with_added(sources),
        judgements,
        pooled,
        {"base": (0.5, 0.6, 0.7), "int8": (None, 0.5, 0.6)},
        title="night & day",
        notes=("a note",),
        settings=("Confidence ≥ 0.25",),
    ).decode()


def test_every_source_and_all_together_have_their_numbers() -> None:
    text = report("night.mp4")
    rows = [[html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in text.split("<tr>")]
    assert [
        "night.mp4", "200", "99 %", "1 %", "7", "1,000", "0.400", "−2.0", "−3.0", "−1.0", "FAIL",
    ] in rows  # fmt: skip
    assert ["new.mp4", *["–"] * 10] in rows
    assert ["All together", "200", "", "", "", "1,000", "", "−1.5", "−4.0", "+1.0", "UNDECIDED"] in rows
    assert ["int8", "–", "0.500", "0.600"] in rows
    assert "left-out" not in text
    assert "night &amp; day" in text
    assert "a note" in text
    assert "Confidence ≥ 0.25" in text


def test_the_plot_says_in_words_what_it_draws() -> None:
    text = report("night.mp4")
    assert 'aria-label="night.mp4: −2.0 (−3.0 … −1.0); All together: −1.5 (−4.0 … +1.0)"' in text


def test_names_cannot_break_out_of_the_markup() -> None:
    text = report('"><script>.mp4')
    assert "<script>" not in text
