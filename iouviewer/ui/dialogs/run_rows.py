"""The rows of the run dialog: one model each, with its name, its classes, and what is known of it in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QSizePolicy

from iouviewer.app.jobs.model_probe import Probe
from iouviewer.document.class_join import UNKNOWN, ClassJoin, join_classes
from iouviewer.document.classes import ClassTable
from iouviewer.i18n import tr, tr_n
from iouviewer.inference.protocol import FailureKind, ModelLoaded
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs.run_facts import model_classes, run_notes
from iouviewer.ui.dialogs.class_map import class_map_text
from iouviewer.ui.dialogs.message_list import Message
from iouviewer.ui.fonts import font

_MAX_NAMES = 4
_NMS_OF_MODEL = tr("own NMS")


class RunRow:
    """The widgets of one model.

    Attributes:
        class_map: class of the model -> class of the ground truth, where the user chose it.
        probe: what is known of the model; None where it is not tried.
    """

    def __init__(self, name: str, weights: Path, truth: ClassTable, place: int) -> None:
        self.weights = weights
        self.probe: Probe | None = None
        self.class_map: dict[str, str] = {}
        self._truth = truth
        self.file = QLabel(weights.name)
        self.file.setFont(font("strong"))
        self.file.setToolTip(str(weights))
        # A long name is cut off instead of widening the dialog; the tooltip has all of it.
        self.file.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.name = QLineEdit(name)
        self.name.setObjectName(f"runName{place}")
        self.name.setAccessibleName(tr("Name of the variant"))
        self.name.setToolTip(tr("Name of the variant"))
        self.classes = QPushButton()
        self.classes.setObjectName(f"runClasses{place}")
        self.classes.setAutoDefault(False)
        self.classes.setToolTip(tr("Which class of the ground truth each class of the model is"))
        self.facts = QLabel()
        self.facts.setObjectName(f"runFacts{place}")
        self.facts.setProperty("role", "muted")
        self.facts.setWordWrap(True)
        self.update()

    @property
    def model(self) -> ModelLoaded | None:
        """The facts of the model; None while they are unknown."""
        return None if self.probe is None else self.probe.model

    @property
    def table(self) -> ClassTable:
        """The classes of the model, empty while they are unknown."""
        return ClassTable() if self.model is None else model_classes(self.model)

    @property
    def counts(self) -> Mapping[int, int]:
        """Boxes by class on the frames that were tried; one of each class where there are none."""
        found = {} if self.probe is None else self.probe.class_counts
        return found or dict.fromkeys(range(len(self.table)), 1)

    @property
    def join(self) -> ClassJoin | None:
        """How the classes of the model become those of the ground truth; None where one of them is unknown."""
        if self.model is None or not len(self._truth):
            return None
        return join_classes(self.table, self._truth, self.class_map, used=self.counts)

    def update(self) -> None:
        """Show what is known now."""
        join = self.join
        self.classes.setVisible(join is not None)
        if join is not None:
            self.classes.setText(class_map_text(join, self.table, self.counts, self._truth))
            self.classes.setAccessibleName(
                tr("Classes of {name}: {classes}", name=self.weights.name, classes=self.classes.text())
            )
        self.facts.setText(self._facts_text())
        self.facts.setVisible(bool(self.facts.text()))

    def _facts_text(self) -> str:
        if self.probe is None:
            return ""
        if self.model is None:
            return tr("Loading the model…") if self.probe.is_running else ""
        return " · ".join(_facts(self.model))

    def messages(self, request: RunRequest) -> list[Message]:
        """What the user should know before the run, with the button that resolves it."""
        failure = None if self.probe is None else self.probe.failure
        if failure is not None and failure.kind is FailureKind.NEEDS_TRUST:
            text = tr("{name} can run code, so it is tried only after you allow it in the run.", name=self.weights.name)
            return [Message(text)]
        if failure is not None:
            # Without the path, which the tooltip of the name has.
            reason = str(replace(failure, path=""))
            text = tr("{name}: {failure}", name=self.weights.name, failure=reason)
            return [Message(text, is_warning=True, details=failure.detail)]
        if self.model is None:
            return []
        name = self.weights.name
        return [
            Message(tr("{name}: {note}.", name=name, note=note), is_warning=True)
            for note in run_notes(self.model, request)
        ]

    def proposals(self) -> dict[str, str]:
        """Classes of the model that may be classes of the ground truth under another name, while nobody said so."""
        join = self.join
        if join is None:
            return {}
        unknown = (number for number in self.counts if join.targets[number] == UNKNOWN and number in join.proposals)
        return {self.table.names[number]: join.proposals[number] for number in unknown}

    @property
    def has_failed(self) -> bool:
        """Whether the model cannot be run."""
        failure = None if self.probe is None else self.probe.failure
        return failure is not None and failure.kind is not FailureKind.NEEDS_TRUST


def _facts(model: ModelLoaded) -> list[str]:
    """Task, classes, input size, NMS and where it runs."""
    names = ", ".join(model.names[:_MAX_NAMES]) + (", …" if len(model.names) > _MAX_NAMES else "")
    classes = tr_n("{count} class", "{count:,} classes", len(model.names))
    height, width = model.imgsz
    size = tr("{width} × {height} px", width=width, height=height)
    if not model.rectangular:
        size = tr("{size} fixed", size=size)
    facts = [model.task, tr("{classes}: {names}", classes=classes, names=names), size]
    if model.nms == "model":
        values = []
        if model.nms_iou is not None:
            values.append(tr("IoU {value:g}", value=model.nms_iou))
        if model.floor is not None:
            values.append(tr("confidence {value:g}", value=model.floor))
        facts.append(f"{_NMS_OF_MODEL} ({', '.join(values)})" if values else _NMS_OF_MODEL)
    elif model.nms == "none":
        facts.append(tr("no NMS needed"))
    return [*facts, f"{model.runtime} {model.precision}".strip(), model.device]
