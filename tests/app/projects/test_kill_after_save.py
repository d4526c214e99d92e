"""Saved work survives a kill of the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.settings import Settings
from iouviewer.document.document import Document
from iouviewer.document.sources import Source
from tests.app.builders import video_info
from tests.app.projects.editing_process import redo_all, twenty_steps, undo_steps
from tests.document.builders import state_of


def content_of(session: Session) -> object:
    """Boxes, states, decisions and classes, floats as their bits."""
    state = state_of(session.document)
    return [source[1:] for source in state["sources"].values()], state["classes"]


def session_in_memory(video: Path) -> Session:
    info, document = video_info(video), Document()
    document.add_source(Source(0, video.name, str(video), *info.size, info.frame_count, info.fps))
    session = Session()
    session.open_document(document)
    return session


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("undos", [0, 7])
def test_after_a_kill_right_after_saving_boxes_history_and_redo_are_complete(
    tmp_path: Path, repository: Path, qapp: object, undos: int
) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"film")
    expected = session_in_memory(video)
    empty = content_of(expected)
    twenty_steps(expected)
    assert expected.history.cursor == 20
    full = content_of(expected)
    undo_steps(expected, undos)

    command = [sys.executable, "-m", "tests.app.projects.editing_process", str(video), str(undos)]
    with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "saved\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL

    session = Session()
    controller = ProjectController(session, Settings())
    try:
        controller.open_video_source(video_info(video))
        assert content_of(session) == content_of(expected)
        assert session.history.cursor == 20 - undos
        assert redo_all(session) == redo_all(expected)
        assert content_of(session) == content_of(expected) == full
        undo_steps(session, 20)
        assert content_of(session) == empty
    finally:
        controller.close()
