"""``python -m tests.app.datasets.switching_process FIRST SECOND DATASET``: twenty edits on one source, then a switch.

Prints "switched" as soon as the second source is shown and waits to be killed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from iouviewer.app.datasets.controller import DatasetController
from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.settings import Settings
from iouviewer.document.dataset import DatasetSource
from tests.app.builders import video_info
from tests.app.projects.editing_process import twenty_steps


def main(first: Path, second: Path, dataset: Path) -> None:
    """Edit the first source and switch to the second one."""
    app = QCoreApplication([])
    session = Session()
    projects = ProjectController(session, Settings())
    controller = DatasetController(session, projects)
    controller.sourceRequested.connect(lambda source: projects.open_video_source(video_info(Path(source.path))))
    controller.create(dataset, [DatasetSource(-1, str(first)), DatasetSource(-1, str(second))])
    twenty_steps(session)
    controller.step(1)
    print("switched", session.source.name, flush=True)
    time.sleep(60)
    app.quit()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
