"""Display: a 1080p frame with 200 captioned boxes, and a drag of one of them, compared with pyqtgraph.

Contenders run in the same process by turns, with Qt's software rasteriser. pyqtgraph's items are created once and
moved, its fastest way. Goals: a quarter of ImageView's time per frame, a fifth of RectROI's time per move. The canvas
is measured with captioned boxes only, like pyqtgraph, and with a prediction for each box, where every move also scores
the frame (including AP) and draws twice as many boxes.
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

WIDTH, HEIGHT = 1920, 1080
WINDOW = (1280, 720)
FRAMES = 8
CANVAS, PYQTGRAPH = "canvas", "pyqtgraph"


def boxes_of(frame: int, count: int) -> list[tuple[float, float, float, float]]:
    """``count`` boxes of a frame as x1, y1, x2, y2 in pixels."""
    draw = np.random.default_rng(frame)
    x, y = draw.uniform(0, WIDTH - 120, count), draw.uniform(0, HEIGHT - 160, count)
    width, height = draw.uniform(30, 110, count), draw.uniform(40, 150, count)
    return list(zip(x.tolist(), y.tolist(), (x + width).tolist(), (y + height).tolist(), strict=True))


def make_images() -> list[np.ndarray]:
    """FRAMES images, (1080, 1920, 3) uint8, R, G, B."""
    draw = np.random.default_rng(1)
    small = draw.integers(0, 255, (FRAMES, HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
    return [np.ascontiguousarray(image.repeat(8, axis=0).repeat(8, axis=1)) for image in small]


def time_until_painted(change: Callable[[], None]) -> float:
    """Milliseconds until the result of ``change`` is painted."""
    from PySide6.QtWidgets import QApplication

    begin = time.perf_counter()
    change()
    QApplication.processEvents()
    return (time.perf_counter() - begin) * 1000


class Canvas:
    """iouviewer's canvas with a session; all boxes have captions."""

    def __init__(self, count: int, *, reduced: bool) -> None:
        from PySide6.QtGui import QImage

        from iouviewer.app.editing.session import Session
        from iouviewer.document.document import Document
        from iouviewer.document.sources import Source
        from iouviewer.ui.canvas.view import CanvasView

        document = Document()
        truth = document.add_source(Source(0, "bench", "", WIDTH, HEIGHT, FRAMES, 30.0))
        # With two classes every caption names the class.
        document.class_names = ("person", "car")
        rows = [(frame, rect) for frame in range(FRAMES) for rect in boxes_of(frame, count)]
        frames = np.array([frame for frame, _ in rows], np.int64)
        rects = np.array([rect for _, rect in rows]).T
        zeros = np.zeros(len(rows), np.int64)
        truth.load_columns(frames, rects, class_ids=zeros, tracks=zeros - 1, flags=zeros)
        truth.load_states(np.ones(FRAMES, np.int8), np.zeros(FRAMES, np.bool_))
        self.session = Session()
        self.session.open_document(document)
        self.view = CanvasView(self.session)
        self.view.resize(*WINDOW)
        self.view.show()
        self.view.boxes.set_all_captions(True)
        self._images = []
        for array in make_images():
            image = QImage(array.data, WIDTH, HEIGHT, 3 * WIDTH, QImage.Format.Format_RGB888)
            image = image.convertToFormat(QImage.Format.Format_RGB32)
            self._images.append(image.scaled(*WINDOW) if reduced else image)
        self._scale = self._images[0].width() / WIDTH

    def with_predictions(self, count: int) -> Canvas:
        """Add a prediction beside each box, scored live; returns self."""
        from iouviewer.document.predictions import PredictionSet
        from iouviewer.metrics.table import BoxTable

        rows = [(frame, rect) for frame in range(FRAMES) for rect in boxes_of(frame, count)]
        table = BoxTable.from_rows(
            np.array([frame for frame, _ in rows], np.int64),
            np.array([rect for _, rect in rows]).T + 4.0,
            frame_count=FRAMES,
            scores=np.full(len(rows), 0.9),
        )
        self.session.variants.add("model", PredictionSet(table, np.ones(FRAMES, np.bool_), score_floor=0.9))
        return self

    def show(self, frame: int) -> None:
        self.session.go_to(frame)
        self.view.show_image(self._images[frame], frame, scale=self._scale)

    def drags(self, moves: int) -> list[float]:
        """Milliseconds per move of one dragged box: edit, scores, captions and painting."""
        from iouviewer.document.boxes import Edges

        self.show(0)
        boxes = self.session.ground_truth.boxes(0)
        box = boxes[len(boxes) // 2]
        self.session.select([box.id])
        time_until_painted(lambda: None)
        gesture = self.view.tools.select.begin_drag([box], Edges.ALL)
        times = [time_until_painted(lambda dx=dx: gesture.move(dx, dx / 2)) for dx in (0.5 * i for i in range(moves))]
        self.view.tools.cancel()
        return times

    def close(self) -> None:
        self.view.close()


class Pyqtgraph:
    """pyqtgraph's ImageView with a RectROI and a TextItem per box."""

    def __init__(self, count: int) -> None:
        import pyqtgraph as pg

        pg.setConfigOptions(imageAxisOrder="row-major", antialias=False)
        self.view: Any = pg.ImageView()
        self.view.ui.histogram.hide()
        self.view.ui.roiBtn.hide()
        self.view.ui.menuBtn.hide()
        self.view.resize(*WINDOW)
        self.view.show()
        self._images = make_images()
        self._boxes = [boxes_of(frame, count) for frame in range(FRAMES)]
        self.view.setImage(self._images[0], autoLevels=False, levels=(0, 255))
        self.rois, self.texts = [], []
        for x1, y1, x2, y2 in self._boxes[0]:
            self.rois.append(pg.RectROI((x1, y1), (x2 - x1, y2 - y1), pen="c"))
            self.texts.append(pg.TextItem("IoU 0.83", color="w", fill=(0, 0, 0, 200), anchor=(0, 1)))
            self.texts[-1].setPos(x1, y1)
            self.view.addItem(self.rois[-1])
            self.view.addItem(self.texts[-1])

    def show(self, frame: int) -> None:
        self.view.setImage(self._images[frame], autoRange=False, autoLevels=False, levels=(0, 255))
        for roi, text, (x1, y1, x2, y2) in zip(self.rois, self.texts, self._boxes[frame], strict=True):
            roi.setPos((x1, y1), update=False)
            roi.setSize((x2 - x1, y2 - y1), finish=False)
            text.setPos(x1, y1)

    def drags(self, moves: int) -> list[float]:
        self.show(0)
        time_until_painted(lambda: None)
        middle = len(self.rois) // 2
        x1, y1, *_ = self._boxes[0][middle]
        roi = self.rois[middle]
        return [
            time_until_painted(lambda dx=dx: roi.setPos((x1 + dx, y1 + dx / 2)))
            for dx in (0.5 * i for i in range(moves))
        ]

    def close(self) -> None:
        self.view.close()


def compare(rounds: int, count: int) -> dict[str, float]:
    """Median milliseconds of each contender, and the ratios to pyqtgraph."""
    contenders: dict[str, Any] = {
        CANVAS: Canvas(count, reduced=True),
        "canvas, full-size frame": Canvas(count, reduced=False),
        "canvas, scored predictions": Canvas(count, reduced=True).with_predictions(count),
        PYQTGRAPH: Pyqtgraph(count),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds):
        for name, contender in contenders.items():
            frame = turn % FRAMES
            times[name].append(time_until_painted(lambda contender=contender, frame=frame: contender.show(frame)))
    result = {f"frame: {name}": median(values[2:]) for name, values in times.items()}
    drags: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(3):
        for name, contender in contenders.items():
            drags[name] += contender.drags(rounds)[1:]
    result |= {f"move: {name}": median(values) for name, values in drags.items()}
    for contender in contenders.values():
        contender.close()
    for kind in ("frame", "move"):
        for name in list(contenders)[:-1]:
            result[f"{kind} ratio: {name}"] = result[f"{kind}: {name}"] / result[f"{kind}: {PYQTGRAPH}"]
    return result


def main(argv: list[str]) -> int:
    """Print the comparison; exit status 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks display", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--boxes", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication(["benchmark"])
    assert app is not None
    result = compare(options.rounds, options.boxes)
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        for name, value in result.items():
            print(f"{name:44} {value:8.3f}{'' if 'ratio' in name else ' ms'}")
    return int(result[f"frame ratio: {CANVAS}"] > 0.25 or result[f"move ratio: {CANVAS}"] > 0.2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
