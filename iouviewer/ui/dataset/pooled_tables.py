"""The tabs Classes and Models of the Dataset workspace: numbers of all sources together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QHeaderView, QTableView

from iouviewer.app.datasets.numbers import Pooled
from iouviewer.document.dataset import Dataset
from iouviewer.i18n import tr
from iouviewer.jobs.dataset import RunFacts
from iouviewer.ui.compare.intervals import points_text
from iouviewer.ui.compare.outcome_chip import outcome_word
from iouviewer.ui.panels.sections import apply_dense_style
from iouviewer.ui.tokens import SIZE

Index = QModelIndex | QPersistentModelIndex
_NONE = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: the texts of the columns, the values by which they sort, and a tooltip."""

    cells: tuple[str, ...]
    keys: tuple[float | str, ...]
    tip: str = ""


class PooledTableModel(QAbstractTableModel):
    """A table of finished texts.

    Args:
        titles: of the columns.
        words: the columns that hold words, aligned to the left; the others hold numbers.
    """

    def __init__(self, titles: Sequence[str], words: frozenset[int] = frozenset({0})) -> None:
        super().__init__()
        self._titles, self._words = list(titles), words
        self._rows: list[Row] = []

    def show(self, rows: Sequence[Row], titles: Sequence[str] | None = None) -> None:
        """Show these rows, under other titles if they are given."""
        self.beginResetModel()
        self._rows = list(rows)
        self._titles = self._titles if titles is None else list(titles)
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by the values behind a column; those that are not known come last."""
        if column < 0:
            return
        is_down = order is Qt.SortOrder.DescendingOrder
        known = [row for row in self._rows if row.keys[column] != ""]
        rest = [row for row in self._rows if row.keys[column] == ""]
        known.sort(key=lambda row: _orderable(row.keys[column]), reverse=is_down)
        self.beginResetModel()
        self._rows = [*known, *rest]
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self._titles):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        return self._side(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.cells[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.tip or None
        return self._side(index.column()) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _side(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignLeft if column in self._words else Qt.AlignmentFlag.AlignRight
        return side | Qt.AlignmentFlag.AlignVCenter


def _orderable(key: float | str) -> tuple[int, float, str]:
    return (0, float(key), "") if isinstance(key, int | float) else (1, 0.0, key.casefold())


class PooledTable(QTableView):
    """A table whose first column takes the free width.

    Args:
        widths: of the columns after the first one, logical pixels.
    """

    def __init__(self, model: PooledTableModel, name: str, accessible_name: str, widths: Sequence[int]) -> None:
        super().__init__()
        apply_dense_style(self, name, accessible_name)
        self.setModel(model)
        self.verticalHeader().setDefaultSectionSize(SIZE["row_comfortable"])
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(False)
        for column, width in enumerate(widths, start=1):
            self.setColumnWidth(column, width)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.sectionClicked.connect(self._on_section_clicked)

    def _on_section_clicked(self, column: int) -> None:
        header = self.horizontalHeader()
        is_same = header.isSortIndicatorShown() and header.sortIndicatorSection() == column
        is_down = is_same and header.sortIndicatorOrder() is Qt.SortOrder.AscendingOrder
        order = Qt.SortOrder.DescendingOrder if is_down else Qt.SortOrder.AscendingOrder
        header.setSortIndicator(column, order)
        header.setSortIndicatorShown(True)
        self.model().sort(column, order)

    def keyboardSearch(self, search: str) -> None:
        """Letters are commands of the window, not a search."""


CLASS_WIDTHS = (86, 86, 86, 140, 140, 110)
MODEL_WIDTHS = (84, 76, 76, 84, 130, 190, 120, 150, 96)
MODEL_WORDS = frozenset({0, 5, 6, 7, 8})


def class_titles(baseline: str, variant: str) -> list[str]:
    """Titles of the table of classes."""
    return [
        tr("Class"),
        tr("Boxes"),
        tr("Tracks"),
        tr("Problems"),
        tr("AP {variant}", variant=baseline) if baseline else tr("AP"),
        tr("AP {variant}", variant=variant) if variant and variant != baseline else "",
        tr("Δ points"),
    ]


def class_rows(pooled: Pooled, baseline: str, variant: str) -> list[Row]:
    """A row for each class of the included sources."""
    rows = []
    scores = {
        side: {name.casefold(): one.ap for name, one in pooled.scores[side].per_class.items()}
        for side in {baseline, variant}
        if side in pooled.scores
    }
    for name, counts in pooled.classes.items():
        first = scores.get(baseline, {}).get(name.casefold())
        second = scores.get(variant, {}).get(name.casefold()) if variant != baseline else None
        delta = None if first is None or second is None else 100 * (second - first)
        shown = name or tr("no class")
        rows.append(
            Row(
                (
                    shown,
                    f"{counts.boxes:,}",
                    f"{counts.tracks:,}",
                    f"{counts.problems:,}",
                    _score(first),
                    "" if variant == baseline else _score(second),
                    _NONE if delta is None else points_text(delta),
                ),
                (shown, counts.boxes, counts.tracks, counts.problems, *map(_key, (first, second, delta))),
            )
        )
    return rows


def model_titles() -> list[str]:
    """Titles of the table of models."""
    return [
        tr("Variant"),
        tr("Sources"),
        tr("AP"),
        tr("PQ"),
        tr("Avg IoU"),
        tr("Verdict"),
        tr("File"),
        tr("SHA-256"),
        tr("Device"),
        tr("FPS"),
    ]


def model_rows(dataset: Dataset, pooled: Pooled, runs: dict[str, list[RunFacts]]) -> list[Row]:
    """A row for each variant of any source.

    Args:
        runs: what is known of the runs of each variant, one for each source.
    """
    judged = {} if pooled.result is None else {one.name: one for one in pooled.result.judged}
    rows = []
    for name in dataset.variants():
        count = sum(name in one.progress.variants for one in dataset.sources if one.progress is not None)
        scores, verdict = pooled.scores.get(name), judged.get(name)
        values = (None, None, None) if scores is None else (scores.ap, scores.pq, scores.avg_iou)
        word = "" if verdict is None else outcome_word(verdict.outcome)
        word = tr("baseline") if name == dataset.baseline else word
        known = runs.get(name, [])
        files = _common([one.file for one in known])
        digests = sorted({one.digest for one in known if one.digest})
        speeds = [one.fps for one in known if one.fps]
        fps = f"{min(speeds):.1f}" if len(set(speeds)) == 1 else ""
        if len(set(speeds)) > 1:
            fps = f"{min(speeds):.1f}–{max(speeds):.1f}"
        digest = _common(digests)[:12]
        cells = (
            name,
            tr("{count:,} of {total:,}", count=count, total=len(dataset)),
            *map(_score, values),
            word,
            files,
            digest,
            _common([one.device for one in known]),
            fps,
        )
        keys = (name, count, *map(_key, values), word, files, cells[7], cells[8], min(speeds) if speeds else "")
        tip = "" if verdict is None else verdict.sentence
        tip = "\n".join(filter(None, (tip, *dict.fromkeys(one.file for one in known))))
        rows.append(Row(cells, keys, tip))
    return rows


def _common(texts: Sequence[str]) -> str:
    """The text that all have; else how many different ones there are."""
    found = list(dict.fromkeys(filter(None, texts)))
    if len(found) > 1:
        return tr("{count:,} different", count=len(found))
    return found[0] if found else ""


def _score(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _key(value: float | None) -> float | str:
    return "" if value is None else value
