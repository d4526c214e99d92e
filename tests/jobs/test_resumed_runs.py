"""``predict --resume``: an interrupted run is continued, and equals one that was not interrupted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iouviewer.cli import main
from iouviewer.inference import runner
from tests.hands.test_make_variants import BOTH
from tests.inference.helpers import python_worker
from tests.ui.window import FRAMES, write_video

SAYS_FRAMES = 'import os\nopen({log!r}, "a").write(",".join(map(str, predict.frames)) + "\\n")\n'
DIES = "    if number == 9:\n        os._exit(3)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_video(tmp_path / "clip.avi")
    (tmp_path / "net.pt").write_bytes(b"weights")
    return tmp_path


def use_worker(monkeypatch: pytest.MonkeyPatch, folder: Path, *, dies: bool) -> None:
    head = "predict = p.read_message(inp)\n"
    code = BOTH.replace(head, head + SAYS_FRAMES.format(log=str(folder / "log")))
    loop = code.index("for number in predict.frames")
    end = code.index("\n", loop) + 1
    code = code[:end] + (DIES if dies else "") + code[end:]
    monkeypatch.setattr(runner, "worker_command", lambda: python_worker(code))


def predict(folder: Path, out: str, *more: str) -> int:
    return main(
        ["predict", str(folder / "clip.avi"), "--model", f"net={folder / 'net.pt'}", "--out", str(folder / out), *more]
    )


def run(folder: Path, out: str) -> dict[str, Any]:
    return dict(json.loads((folder / out / "net.json").read_text()))


def asked(folder: Path) -> list[list[int]]:
    return [[int(one) for one in line.split(",")] for line in (folder / "log").read_text().splitlines()]


def test_only_missing_frames_are_run_and_the_result_is_that_of_one_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_worker(monkeypatch, folder, dies=True)
    assert predict(folder, "a") == 2
    part = run(folder, "a")
    done = len(part["images"])
    assert 0 < done <= 9
    use_worker(monkeypatch, folder, dies=False)
    assert predict(folder, "a", "--resume") == 0
    assert asked(folder)[-1] == list(range(done, FRAMES))
    assert predict(folder, "b") == 0
    whole, resumed = run(folder, "b"), run(folder, "a")
    assert resumed["annotations"] == whole["annotations"] and resumed["images"] == whole["images"]
    assert (folder / "a" / "net.txt").read_text() == (folder / "b" / "net.txt").read_text()
    before = len(asked(folder))
    capsys.readouterr()
    assert predict(folder, "a", "--resume") == 0
    assert len(asked(folder)) == before, "a complete run is not run again"
    assert "24 frames" in capsys.readouterr().out


def test_a_run_with_other_settings_or_weights_is_not_continued(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_worker(monkeypatch, folder, dies=False)
    assert predict(folder, "a", "--resume", "--frames", "0:6") == 0
    assert predict(folder, "a", "--resume", "--floor", "0.1") == 2
    assert "cannot be continued" in capsys.readouterr().err
    (folder / "net.pt").write_bytes(b"others")
    assert predict(folder, "a", "--resume") == 2
    assert "cannot be continued" in capsys.readouterr().err
    assert len(asked(folder)) == 1
