"""Commands on one variant: the one that is selected in the variants table."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.variant_edits import remove_variant, set_baseline
from iouviewer.document.variants import RunState, Variant
from iouviewer.i18n import tr
from iouviewer.ui.commands.exports import ExportCommands
from iouviewer.ui.commands.runs import RunCommands
from iouviewer.ui.compare.variants_table import VariantsPanel
from iouviewer.ui.dialogs.input_dialogs import confirm
from iouviewer.ui.look_menu import look_menu


class VariantCommands(QObject):
    """Group ``variants``. The project stores name, look and baseline of each variant."""

    def __init__(
        self, window: QWidget, session: Session, panel: VariantsPanel, runs: RunCommands, exports: ExportCommands
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._panel = window, session, panel
        self._runs, self._exports = runs, exports

    def _current(self) -> Variant | None:
        """The selected variant; without one, a hint in the status bar."""
        key = self._panel.current_key()
        variant = self._session.variants.find(key) if key else None
        if variant is None:
            self._session.statusMessage.emit(tr("Select a variant in the table first"))
        return variant

    def ids_for(self, key: str) -> list[str]:
        """Ids of the actions that apply to a variant, in the order of its menu; empty ones separate groups."""
        variant, baseline = self._session.variants[key], self._session.variants.baseline
        is_run = variant.state is not RunState.IMPORTED and bool(variant.path)
        is_ended = variant.state in (RunState.FINISHED, RunState.CANCELLED, RunState.FAILED)
        rows = (
            ("variantBaseline", baseline is None or baseline.key != key),
            ("variantRename", True),
            ("variantLook", True),
            ("variantClasses", variant.predictions.classes is not None),
            ("", True),
            ("variantResume", is_run and variant.state in (RunState.CANCELLED, RunState.FAILED)),
            ("variantRunAgain", is_run and is_ended),
            ("variantExport", True),
            ("", True),
            ("variantRemove", True),
        )
        return [id for id, applies in rows if applies]

    def set_baseline(self) -> None:
        """Compare the others with this variant."""
        variant = self._current()
        if variant is not None:
            set_baseline(self._session, variant.key)

    def rename(self) -> None:
        """Edit the name in the table."""
        if self._current() is not None:
            self._panel.rename_current()

    def choose_look(self) -> None:
        """Choose colour and dash in a menu at the mouse."""
        variant = self._current()
        if variant is None:
            return
        menu = look_menu(self._session, variant.key, self._window)
        menu.exec(QCursor.pos())
        menu.deleteLater()

    def choose_classes(self) -> None:
        """Choose which class of the ground truth each class of the variant is."""
        variant = self._current()
        if variant is not None:
            self._runs.choose_classes(variant.key)

    def resume(self) -> None:
        """Continue a run that was cancelled or failed."""
        variant = self._current()
        if variant is not None:
            self._runs.resume(variant.key)

    def run_again(self) -> None:
        """Run the model again as another variant."""
        variant = self._current()
        if variant is not None and variant.state is not RunState.IMPORTED and variant.path:
            self._runs.configure_runs([(variant.name, Path(variant.path))])

    def export(self) -> None:
        """Write the predictions as COCO results."""
        variant = self._current()
        if variant is not None:
            self._exports.export_predictions(variant.key)

    def remove(self) -> None:
        """Remove the variant; asks first where its predictions come from a run."""
        variant = self._current()
        if variant is None:
            return
        was_run = variant.state is not RunState.IMPORTED and variant.predictions.covered.any()
        if not was_run or self._confirm_removal(variant.name):
            remove_variant(self._session, variant.key)

    def _confirm_removal(self, name: str) -> bool:
        return confirm(
            self._window,
            title=tr("Remove variant"),
            text=tr("Remove {name}? Its predictions were computed here and are not in a file.", name=name),
            button=tr("Remove {name}", name=name),
        )
