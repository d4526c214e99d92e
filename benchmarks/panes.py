"""A page of the gallery and a frame step on four canvases, compared with drawing as many QPixmaps of the same size.

Both sides run by turns in one process with Qt's software rasteriser; CPU milliseconds, medians, and their ratio. The
gallery paints sixty objects of two variants with their boxes, dashes and captions; the canvases show a 1080p frame with
``--boxes`` boxes of the ground truth and as many predictions of each variant, matched and drawn again at each step.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks.display import FRAMES, WIDTH, Canvas

PAGE = 60


def cpu(change: Callable[[], None]) -> float:
    """CPU milliseconds of this process until the result of ``change`` is painted."""
    from PySide6.QtWidgets import QApplication

    begin = time.process_time()
    change()
    QApplication.processEvents()
    return (time.process_time() - begin) * 1000


def by_turns(own: Callable[[], float], plain: Callable[[], float], rounds: int) -> dict[str, float]:
    """Medians of both in milliseconds, and their ratio."""
    own(), plain()
    pairs = [(own(), plain()) for _ in range(rounds)]
    times = {name: median(column) for name, column in zip(("own", "pixmaps"), zip(*pairs, strict=True), strict=True)}
    return {**times, "ratio": times["own"] / times["pixmaps"]}


def measure_gallery(rounds: int) -> dict[str, float]:
    """Painting a page whose crops have come."""
    from PySide6.QtGui import QImage, QPainter, QPixmap

    from iouviewer.app.video.crops import CropLoader
    from iouviewer.app.video.frame_messages import Mailbox
    from iouviewer.document.variants import VARIANT_COLOURS
    from iouviewer.jobs.gallery import GalleryObjects
    from iouviewer.ui.review.gallery_view import GalleryView

    draw = np.random.default_rng(1)
    corners = draw.uniform(100, 900, (2, PAGE))
    boxes = np.concatenate((corners, corners + draw.uniform(30, 60, (2, PAGE))))
    objects = GalleryObjects(
        np.arange(PAGE) % FRAMES, np.arange(PAGE), boxes, np.zeros(PAGE, np.int64), draw.uniform(0, 1, (2, PAGE)),
        np.stack((boxes + 2.0, boxes - 2.0)), np.zeros((2, PAGE), np.int64),
    )  # fmt: skip
    canvas = Canvas(1, reduced=True)
    view, crops = GalleryView(canvas.session), CropLoader(Mailbox())
    view.use_crops(crops)
    view.resize(1220, 560)
    view.show()
    view.show_objects(objects, 0, VARIANT_COLOURS[:2])
    wanted = [crop for row in range(PAGE) for crop in view.crops_at(row)]
    image = QImage(*wanted[0].size, QImage.Format.Format_RGB32)
    image.fill(0x808080)
    crops.take([(crop, QImage(image)) for crop in wanted])
    pixmap, target = QPixmap.fromImage(image), QImage(1220, 560, QImage.Format.Format_RGB32)

    def plain() -> float:
        def paint() -> None:
            painter = QPainter(target)
            for number in range(2 * PAGE):
                painter.drawPixmap((number % 20) * 60, (number // 20) * 90, pixmap)
            painter.end()

        return cpu(paint)

    found = by_turns(lambda: cpu(view.viewport().repaint), plain, rounds)
    view.close()
    canvas.close()
    return found


def measure_panes(rounds: int, count: int) -> dict[str, float]:
    """Stepping a frame on four canvases."""
    from PySide6.QtGui import QImage, QPainter, QPixmap

    from iouviewer.ui.canvas.view import CanvasView

    main = Canvas(count, reduced=True).with_predictions(count)
    views = [main.view, *(CanvasView(main.session) for _ in range(3))]
    images: list[Any] = [image.scaled(620, 350) for image in main._images]
    scale = images[0].width() / WIDTH
    for view in views:
        view.resize(620, 350)
        view.show()
        view.boxes.set_all_captions(False)
    pixmaps, target = [QPixmap.fromImage(one) for one in images], QImage(620, 350, QImage.Format.Format_RGB32)
    number = [0]

    def step() -> None:
        number[0] = (number[0] + 1) % FRAMES
        main.session.go_to(number[0])
        for view in views:
            view.show_image(images[number[0]], number[0], scale=scale)

    def plain() -> None:
        for _ in views:
            painter = QPainter(target)
            painter.drawPixmap(0, 0, pixmaps[number[0]])
            painter.end()

    found = by_turns(lambda: cpu(step), lambda: cpu(plain), rounds)
    for view in views:
        view.close()
    return found


def main(argv: list[str]) -> None:
    """Print the results as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks panes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--boxes", type=int, default=20, help="boxes of a frame")
    args = parser.parse_args(argv)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication([])
    results = {"gallery": measure_gallery(args.rounds), "panes": measure_panes(args.rounds, args.boxes)}
    del app
    json.dump(results, sys.stdout, indent=1)
    sys.stdout.write("\n")
