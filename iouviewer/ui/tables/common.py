"""Definitions shared by the table models."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt

Index = QModelIndex | QPersistentModelIndex

ROOT = QModelIndex()
"""Parent of the top-level rows; default argument of Qt's model methods."""

COLUMN_ROLE = Qt.ItemDataRole.UserRole + 1
"""Header data: the stable id of a column."""

KEY_ROLE = Qt.ItemDataRole.UserRole + 2
"""Data of any cell of the variants table: the key of the variant."""


def cell_alignment(*, is_text: bool) -> Qt.AlignmentFlag:
    """Text to the left, numbers to the right."""
    side = Qt.AlignmentFlag.AlignLeft if is_text else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter
