"""Several videos in one window, by mouse and keys: a dataset is made, walked, judged, reviewed and reported."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QDialog, QTreeWidget
from pytestqt.qtbot import QtBot

from iouviewer.cli import main
from iouviewer.jobs.requests import OpenRequest
from tests.hands.cases import EXTRA_FRAME, PERSON, write_case
from tests.hands.hands import Hands
from tests.ui.window import opened_window


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two folders, each with a video, its ground truth and the predictions of two variants."""
    made = [tmp_path / "clips" / name for name in ("day", "night")]
    for folder in made:
        folder.parent.mkdir(exist_ok=True)
        write_case(folder)
    return made


@pytest.fixture
def person(qtbot: QtBot, folders: list[Path]) -> Iterator[Hands]:
    """A person who has dropped both folders and opened them as a dataset."""
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        open_dataset(hands, folders)
        yield hands


def open_dataset(hands: Hands, folders: list[Path]) -> None:
    """Drop the folders on the start page and press the primary button of the sheet."""
    hands.wait(lambda: hands.sees("firstRun"), "the start page")
    with hands.in_dialog(lambda sheet: hands.click(hands.button("Open as dataset", sheet))):
        hands.drop(hands.named("firstRun"), *folders)
    shown(hands, "1 of 2")


def shown(hands: Hands, place: str) -> None:
    """Wait until the source at this place of the dataset is shown, with the boxes that came with it."""
    hands.wait(lambda: hands.sees("sourceButton"), "the switcher")
    hands.wait(lambda: f"source {place}" in hands.named("sourceButton").toolTip(), f"source {place}")
    hands.wait(lambda: hands.sees("boxesTable") is False or hands.rows("boxesTable"), "its boxes")
    hands.wait(lambda: any("Saved" in text for text in hands.texts()), "that it is saved")


def show_dataset(hands: Hands) -> None:
    """Show the workspace and wait for its verdicts."""
    hands.key("F4")
    hands.wait(lambda: hands.sees("sourcesTable"), "the table of sources")
    hands.wait(lambda: hands.sees("decidingPanel"), "the verdict on all sources")


def test_two_videos_are_dropped_and_judged_as_gate_judges_them(
    person: Hands, folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_dataset(person)
    assert person.column("sourcesTable", "Source") == ["day/clip.avi", "night/clip.avi"]
    assert person.column("sourcesTable", "Frames") == ["24", "24"]
    assert person.column("sourcesTable", "Labelled") == ["100 %", "100 %"]
    assert person.column("sourcesTable", "Verdict") == ["UNDECIDED", "UNDECIDED"]
    assert person.named("pooledRow").accessibleName() == "2 sources together"
    said = person.named("pooledRow").accessibleDescription()
    main(["gate", str(tmp_path / "clips" / "clips.ioudataset")])
    sentence = capsys.readouterr().out.splitlines()[0]
    assert sentence in said
    assert "on 2 videos" in sentence
    # The page shows the same scores of all classes together as the command line for one of two equal videos.
    person.open_tab("Models", person.named("datasetWorkspace"))
    models = {row[0]: row for row in person.rows("datasetModels")}
    assert set(models) == {"base", "other"}
    result = tmp_path / "one.json"
    case = folders[0]
    files = [f"--pred={name}={case / name}.csv" for name in ("base", "other")]
    main(["eval", str(case / "clip.avi"), "--gt", str(case / "gt.csv"), *files, "--json", str(result)])
    variants = json.loads(result.read_text())["variants"]
    for name, row in models.items():
        assert row[2:5] == [f"{variants[name][key]:.3f}" for key in ("ap", "pq", "avg_iou")]
    person.open_tab("Classes", person.named("datasetWorkspace"))
    assert [row[:2] for row in person.rows("datasetClasses")] == [["car", "48"], ["person", "48"]]


def test_a_source_that_is_left_out_counts_nowhere(person: Hands) -> None:
    show_dataset(person)
    person.click_row("sourcesTable", 1, 0)
    person.wait(lambda: person.named("pooledRow").accessibleName() == "1 source together", "one source")
    person.wait(lambda: not person.sees("decidingPanel"), "no source that decides")
    person.click_row("sourcesTable", 1, 1)
    person.key("Space")
    person.wait(lambda: person.named("pooledRow").accessibleName() == "2 sources together", "both sources")


def test_the_workspace_and_edits_stay_when_sources_change(person: Hands) -> None:
    x1, _y1, x2, y2 = PERSON
    person.drag_picture(((x1 + x2) / 2, y2), ((x1 + x2) / 2, y2 + 30))
    person.key("F3")
    person.wait(lambda: person.sees("compareWorkspace"), "Compare")
    person.key("Ctrl+PgDown")
    shown(person, "2 of 2")
    assert person.sees("compareWorkspace")
    person.key("Ctrl+PgUp")
    shown(person, "1 of 2")
    person.key("F2")
    person.wait(lambda: person.sees("boxesTable"), "Correct")
    person.open_tab("History")
    person.wait(lambda: any("Resize person 2" in row[0] for row in person.rows("historyList")), "the edit")
    person.key("Ctrl+Z")
    person.wait(lambda: person.named("button.redo").isEnabled(), "that it can be undone")


def test_problems_are_reviewed_over_all_sources(person: Hands) -> None:
    person.open_tab("Problems")
    person.wait(lambda: person.sees("problemsList") and person.rows("problemsList"), "the list of problems")
    person.key("N")
    person.wait(lambda: person.frame == EXTRA_FRAME and person.sees("reviewCard"), "the problem of the first source")
    person.key("X")
    shown(person, "2 of 2")
    person.wait(lambda: person.frame == EXTRA_FRAME and person.sees("reviewCard"), "the problem of the second source")
    person.key("X")
    person.wait(lambda: person.reads("No other source has open problems"), "the end")
    show_dataset(person)
    person.wait(lambda: person.column("sourcesTable", "Problems") == ["0", "0"], "no open problem")


def test_the_sentence_leads_to_the_problems_of_the_source(person: Hands) -> None:
    show_dataset(person)
    person.click(person.named("decidingReview"))
    person.wait(lambda: person.sees("reviewCard") and person.frame == EXTRA_FRAME, "its problem in Correct")
    show_dataset(person)
    person.click_row("sourcesTable", 1, 1)
    person.key("Return")
    shown(person, "2 of 2")
    person.wait(lambda: person.sees("reviewCard") and person.frame == EXTRA_FRAME, "the problem of the other source")


def test_one_report_on_all_sources_is_exported(
    person: Hands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_dataset(person)
    report = tmp_path / "all.html"
    with person.in_dialog(person.save_as(report)):
        person.click(person.named("dataset.datasetReport"))
    person.wait(report.exists, "the report")
    dataset, markdown = tmp_path / "clips" / "clips.ioudataset", tmp_path / "gate.md"
    main(["gate", str(dataset), "--md", str(markdown)])
    sentence = capsys.readouterr().out.splitlines()[0]
    text = html.unescape(report.read_text(encoding="utf-8"))
    assert sentence in text
    assert "<td class=text>day/clip.avi</td>" in text
    mine = tmp_path / "all.md"
    with person.in_dialog(person.save_as(mine)):
        person.click(person.named("dataset.datasetReport"))
    person.wait(mine.exists, "the report as Markdown")
    assert mine.read_bytes() == markdown.read_bytes()


def test_sources_are_tagged_filtered_arranged_and_removed(person: Hands, folders: list[Path]) -> None:
    show_dataset(person)
    person.click_row("sourcesTable", 1, 1)
    with person.in_dialog(lambda dialog: (person.type("dark, rain"), person.key("Return"))):
        person.key("T")
    person.click(person.named("sourcesFilter"))
    person.type("dark")
    person.wait(lambda: person.column("sourcesTable", "Source") == ["night/clip.avi"], "the source with the tag")
    person.key("Ctrl+A", "Del")
    person.wait(lambda: len(person.rows("sourcesTable")) == 2, "both sources")
    person.click_row("sourcesTable", 1, 1)
    person.key("Alt+Up")
    person.wait(lambda: person.column("sourcesTable", "Source")[0] == "night/clip.avi", "the new order")

    def remove(dialog: QDialog) -> None:
        person.click(person.button("Remove", dialog))

    with person.in_dialog(remove):
        person.key("Del")
    person.wait(lambda: not person.sees("workspace.dataset"), "that one video has no Dataset workspace")
    assert (folders[1] / "clip.avi.iouv").is_file() is False or (folders[1] / "clip.avi").is_file()


def test_a_dataset_is_found_again_where_it_was_left(qtbot: QtBot, folders: list[Path]) -> None:
    with opened_window(qtbot) as window:
        person = Hands(qtbot, window)
        open_dataset(person, folders)
        person.key("Ctrl+PgDown")
        shown(person, "2 of 2")
    dataset = folders[0].parent / "clips.ioudataset"
    # The first video is gone: its numbers stay, marked.
    (folders[0] / "clip.avi").rename(folders[0] / "elsewhere.avi")
    with opened_window(qtbot, OpenRequest(dataset=dataset)) as window:
        person = Hands(qtbot, window)
        shown(person, "2 of 2")
        show_dataset(person)
        assert person.column("sourcesTable", "Frames") == ["24", "24"]
        person.click_row("sourcesTable", 0, 1)
        view = person.tooltip_at(person.row_centre("sourcesTable", 0, 1))
        assert "missing · last known numbers" in view
        person.key("Ctrl+PgDown")
        person.wait(lambda: person.reads("No other source is there"), "that there is no other source")


def write_town(folder: Path) -> list[Path]:
    """A YOLO root with train and val, and the predictions of two variants on each; the paths to drop."""
    root = folder / "town"
    dropped = [root]
    for split, count in (("train", 6), ("val", 4)):
        images, labels = root / "images" / split, root / "labels" / split
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        rows: dict[str, list[str]] = {"base": [], "other": []}
        for number in range(count):
            cv2.imwrite(str(images / f"{number}.png"), np.full((100, 200, 3), 60 + 20 * number, np.uint8))
            (labels / f"{number}.txt").write_text("0 0.5 0.5 0.2 0.4\n")
            for name, by in (("base", 1), ("other", 3)):
                rows[name].append(f"{number},{80 + by},30,{120 + by},70,car,0.9")
            # Both variants see an object that the ground truth lacks.
            rows["base"].append(f"{number},10,10,40,40,car,0.8")
            rows["other"].append(f"{number},10,10,40,40,car,0.8")
        for name, lines in rows.items():
            path = folder / f"{split}_{name}.csv"
            path.write_text("\n".join(["frameID,x1,y1,x2,y2,class,score", *lines]) + "\n")
            dropped.append(path)
    (root / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: [car, person]\n")
    return dropped


def test_a_root_with_train_and_val_and_two_videos_are_reviewed_judged_and_reported(
    qtbot: QtBot, folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped = [*write_town(tmp_path / "clips"), *folders]
    with opened_window(qtbot) as window:
        person = Hands(qtbot, window)
        person.wait(lambda: person.sees("firstRun"), "the start page")

        def accept(sheet: QDialog) -> None:
            [tree] = sheet.findChildren(QTreeWidget)
            items = [tree.topLevelItem(place) for place in range(tree.topLevelItemCount())]
            assert [(item.text(0), item.text(1)) for item in items] == [
                ("town · train", "ground truth · predictions: base, other"),
                ("town · val", "ground truth · predictions: base, other"),
                ("day/clip.avi", "ground truth · predictions: base, other"),
                ("night/clip.avi", "ground truth · predictions: base, other"),
            ]
            person.click(person.button("Open as dataset", sheet))

        with person.in_dialog(accept):
            person.drop(person.named("firstRun"), *dropped)
        shown(person, "1 of 4")
        person.open_tab("Problems")
        person.wait(lambda: person.sees("problemsList") and person.rows("problemsList"), "the list of problems")
        person.key("N")
        for place in ("1 of 4", "2 of 4", "3 of 4", "4 of 4"):
            shown(person, place)
            person.wait(lambda: person.sees("reviewCard"), f"the problems of source {place}")
            person.key("X")
        person.wait(lambda: person.reads("No other source has open problems"), "the end of the review")
        show_dataset(person)
        person.wait(lambda: person.column("sourcesTable", "Problems") == ["0"] * 4, "no open problem")
        dataset, report = tmp_path / "clips" / "clips.ioudataset", tmp_path / "all.html"
        with person.in_dialog(person.save_as(report)):
            person.click(person.named("dataset.datasetReport"))
        person.wait(report.exists, "the report")
        main(["gate", str(dataset)])
        sentence = capsys.readouterr().out.splitlines()[0]
        assert sentence in person.named("pooledRow").accessibleDescription()
        text = html.unescape(report.read_text(encoding="utf-8"))
        assert sentence in text
        for name in ("town · train", "town · val", "day/clip.avi", "night/clip.avi"):
            assert f"<td class=text>{name}</td>" in text


def test_the_parts_of_one_root_are_opened_as_a_dataset(qtbot: QtBot, tmp_path: Path) -> None:
    root = write_town(tmp_path)[0]
    with opened_window(qtbot) as window:
        person = Hands(qtbot, window)
        person.wait(lambda: person.sees("firstRun"), "the start page")
        with person.in_dialog(
            lambda parts: person.click(person.button("Open all as dataset…", parts)),
            lambda sheet: person.click(person.button("Open as dataset", sheet)),
        ):
            person.drop(person.named("firstRun"), root)
        shown(person, "1 of 2")
