"""Speed by hand: measured in the window, cancelled, imported from another machine, kept in the project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QLineEdit
from pytestqt.qtbot import QtBot

from iouviewer.inference import loaded_model, runner
from iouviewer.jobs import bench
from iouviewer.jobs.requests import OpenRequest
from tests.hands.cases import Case
from tests.hands.hands import Hands
from tests.hands.speed_worker import SPEED_WORKER
from tests.hands.test_dialogs import part
from tests.hands.test_review import message
from tests.hands.test_run_dialog import open_run_dialog
from tests.inference.helpers import python_worker
from tests.ui.window import FRAMES, close_errors, error_text, opened_window


@pytest.fixture
def hands(qtbot: QtBot, case: Case, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    """A person at the small case without variants; a worker without torch pretends to run models."""
    for module in (runner, loaded_model):
        monkeypatch.setattr(module, "worker_command", lambda: python_worker(SPEED_WORKER))
    monkeypatch.setattr(bench, "_calibrate", lambda: 2.0)
    with opened_window(qtbot, OpenRequest(video=case.video, gt=case.gt)) as window:
        yield Hands(qtbot, window)


def run_models(hands: Hands, folder: Path, *names: str) -> None:
    """Run models; "fast-20" becomes the variant fast, which takes 20 ms a frame."""
    for name in names:
        path = folder / f"{name}.pt"
        path.write_bytes(b"weights")

        def run(dialog: QDialog, name: str = name) -> None:
            hands.click(part(dialog, QLineEdit, "runName0"))
            hands.key("Ctrl+A")
            hands.type(name.split("-", maxsplit=1)[0])
            hands.click(hands.button(f"Run on {FRAMES} frames", dialog))

        open_run_dialog(hands, path, run)
        hands.wait(lambda name=name: message(hands) == f"{name.split('-')[0]}: {FRAMES} frames done", "the run")
    hands.key("F3")


@pytest.fixture
def measuring(hands: Hands, tmp_path: Path) -> Hands:
    """A person in Compare, two models have run."""
    run_models(hands, tmp_path, "base-40", "fast-20")
    hands.wait(lambda: len(hands.rows("variantsTable")) == 2, "both variants")
    return hands


def facts(hands: Hands) -> dict[str, list[str]]:
    """The rows of the table of speeds by their first cell."""
    return {row[0]: row[1:] for row in hands.rows("speedTable")}


def speed_file(folder: Path, *names: str, **more: object) -> Path:
    """A speed.json of a Jetson: 5 frames a second more for each further model."""
    models = [{"name": name, "fps": 10.0 + 5 * place, "device": "cuda:0"} for place, name in enumerate(names)]
    path = folder / "speed.json"
    values = {"schema": "iouviewer.speed/1", "hardware": "Jetson Orin", "models": models, **more}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def test_the_key_measures_all_models_and_the_tab_says_what_was_measured(measuring: Hands) -> None:
    hands = measuring
    hands.key("Ctrl+Shift+M")
    hands.wait(lambda: hands.sees("speedTable") and facts(hands), "the speeds")
    found = facts(hands)
    assert found["FPS"] == ["25.0", "50.0"]
    assert found["Ratio"] == ["–", "2.00×"] and found["Ratio, 95 %"] == ["–", "2.00–2.00"]
    assert found["Decode ms"] == ["3.0", "3.0"] and found["Inference ms"] == ["20.0", "10.0"]
    assert found["FPS with decoding"] == ["23.3", "43.5"] and found["p99 ms"] == ["40.0", "20.0"]
    assert found["Parameters M"] == ["2.50", "2.50"] and found["Input"] == ["320 × 320", "320 × 320"]
    assert found["Threads"] == ["2", "2"] and found["Hardware"] == ["test processor"] * 2
    assert found["Measured"] == ["here", "here"]
    assert hands.column("variantsTable", "FPS") == ["25.0", "50.0"]
    assert message(hands) == "Speed of 2 models measured"
    # Another baseline: the same rounds, seen from the other side.
    hands.context_menu(hands.row_centre("variantsTable", 1), "Set as baseline")
    hands.wait(lambda: facts(hands)["Ratio"] == ["–", "0.50×"], "the ratio to the new baseline")


def test_a_measurement_is_cancelled_and_nothing_changes(hands: Hands, tmp_path: Path) -> None:
    run_models(hands, tmp_path, "base-40", "slow-20")
    hands.open_tab("Speed")
    hands.click(hands.named("measureSpeed"))
    hands.wait(lambda: hands.sees("speedProgress"), "a measurement")
    assert hands.named("measureSpeed").text() == "Cancel" and not hands.sees("speedRounds")  # type: ignore[attr-defined]
    hands.click(hands.named("measureSpeed"))
    hands.wait(lambda: hands.sees("speedRounds"), "the end of the measurement")
    assert message(hands) == "The measurement of speed was cancelled"
    assert hands.rows("speedTable") == []


def test_speeds_of_another_machine_are_dropped_and_never_ranked_with_those_from_here(
    measuring: Hands, tmp_path: Path
) -> None:
    hands = measuring
    hands.drop(hands.window, speed_file(tmp_path, "FAST", "unknown"))
    hands.wait(lambda: hands.sees("speedTable") and facts(hands), "the imported speed")
    assert facts(hands)["FPS"] == ["10.0"] and facts(hands)["Measured"] == ["there"]
    assert message(hands) == "Speed of 1 variant imported; no variant is called unknown"
    assert "The speed of fast comes from speed.json, measured on Jetson Orin." in hands.named("speedNotes").text()
    assert "No ratio for fast: the speed of the baseline was not measured." in hands.named("speedNotes").text()
    # Both from there: the file states no rounds.
    hands.drop(hands.window, speed_file(tmp_path, "base", "fast"))
    hands.wait(lambda: facts(hands)["FPS"] == ["10.0", "15.0"], "both speeds")
    assert "states no rounds, so the ratio has no interval" in hands.named("speedNotes").text()
    # One from here, one from there.
    hands.click(hands.named("measureSpeed"))
    hands.wait(lambda: facts(hands)["FPS"] == ["25.0", "50.0"], "the speeds from here")
    hands.drop(hands.window, speed_file(tmp_path, "fast"))
    hands.wait(lambda: facts(hands)["FPS"] == ["25.0", "10.0"], "one of each")
    assert facts(hands)["Ratio"] == ["–", "–"]
    assert "measured on Jetson Orin, the baseline on test processor" in hands.named("speedNotes").text()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"schema": "iouviewer.speed/1", "models": [{"name": "base"}]}', "missing required field `fps`"),
        ('{"schema": "iouviewer.speed/1", "models": [{"name": "base", "fps": -1}]}', "$.models[0].fps"),
        ('{"schema": "iouviewer.speed/9", "models": [{"name": "base", "fps": 1}]}', "iouviewer.speed/9"),
        ('{"schema": "iouviewer.speed/1", "models": [{"name": "other", "fps": 1}]}', "no model of the file"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(measuring: Hands, tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "speed.json"
    path.write_text(text, encoding="utf-8")
    measuring.drop(measuring.window, path)
    measuring.wait(lambda: reason in error_text(measuring.window), "the reason")
    assert "speed.json" in error_text(measuring.window)
    close_errors(measuring.window)


def test_speeds_come_back_with_the_project(qtbot: QtBot, case: Case, measuring: Hands) -> None:
    measuring.menu("File", "Measure speed")
    measuring.wait(lambda: measuring.sees("speedTable") and facts(measuring), "the speeds")
    before = facts(measuring)
    measuring.window.close()
    with opened_window(qtbot, OpenRequest(project=case.video.with_suffix(".avi.iouv"))) as window:
        again = Hands(qtbot, window)
        again.wait(lambda: again.sees("canvas"), "the project")
        again.key("F3")
        again.open_tab("Speed")
        again.wait(lambda: facts(again) == before, "the speeds that were kept")


def test_variants_of_files_cannot_be_measured_and_the_reason_is_told(person: Hands) -> None:
    person.key("Ctrl+Shift+M")
    person.wait(lambda: "there is no model to measure" in error_text(person.window), "the reason")
    assert "base: its predictions come from a file" in error_text(person.window)
    close_errors(person.window)
    assert person.reads("rounds of")
