"""What a person has said about the shown frame, in the corner of the canvas: verified, excluded, changed since."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QDateTime, QLocale, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.verified_by import VerificationLog
from iouviewer.document.frame_states import FrameWork, VerifiedBy, work_of
from iouviewer.i18n import tr
from iouviewer.ui.canvas.captions import BELOW, GOOD, MUTED, TEXT
from iouviewer.ui.fonts import font
from iouviewer.ui.theme import colour, coloured_icon
from iouviewer.ui.tokens import CANVAS, ICON_SIZE, RADIUS, SIZE

_PADDING, _SPACING = 8, 6
_EDGE = 2
"""Height of the line along the top of verified frames, logical pixels."""


class FrameBadge(QWidget):
    """An icon and a few words; hidden while the number of the frame is not known. It takes no mouse events."""

    def __init__(self, canvas: QWidget, session: Session) -> None:
        super().__init__(canvas)
        self.setObjectName("frameBadge")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._session = session
        self._log = VerificationLog(session)
        self._text, self._icon, self._colour = "", "", TEXT
        self._edge = QWidget(canvas)
        self._edge.setObjectName("verifiedEdge")
        self._edge.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._edge.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._edge.setStyleSheet(f"background: {GOOD};")
        self._edge.hide()
        self.hide()

    @property
    def text(self) -> str:
        """The words; empty while hidden."""
        return self._text

    def arrange(self, width: int) -> None:
        """Fit the line along the top to the width of the canvas."""
        self._edge.setGeometry(0, 0, width, _EDGE)

    def show_frame(self, frame: int) -> None:
        """Show the state of a frame; -1 hides the badge."""
        text, icon, colour = self._state_of(frame) if 0 <= frame < self._session.frame_count else ("", "", TEXT)
        is_verified = bool(text) and bool(self._session.ground_truth.verified()[frame])
        self._edge.setVisible(is_verified)
        if is_verified:
            self._edge.raise_()
        if (text, icon, colour) != (self._text, self._icon, self._colour):
            self._text, self._icon, self._colour = text, icon, colour
            self.setAccessibleName(text)
            self.resize(self.sizeHint())
            self.update()
        self.setVisible(bool(text))

    def _state_of(self, frame: int) -> tuple[str, str, str]:
        """Text, icon and colour of the icon."""
        match work_of(self._session.ground_truth, frame):
            case FrameWork.EXCLUDED:
                return tr("Excluded from scores"), "ignore", MUTED
            case FrameWork.VERIFIED:
                return verified_text(self._log.find(frame)), "verified", GOOD
            case FrameWork.VERIFIED_EMPTY:
                return verified_text(self._log.find(frame), is_empty=True), "verified", GOOD
            case FrameWork.CHANGED:
                return tr("Changed since verified"), "warning", BELOW
            case FrameWork.NOT_VERIFIED:
                return tr("Not verified"), "verifiedEmpty", MUTED

    def sizeHint(self) -> QSize:
        width = QFontMetricsF(font("body")).horizontalAdvance(self._text)
        return QSize(round(width) + ICON_SIZE + _SPACING + 2 * _PADDING, SIZE["badge"])

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(CANVAS.label_bg))
        painter.drawRoundedRect(QRectF(self.rect()), RADIUS["chip"], RADIUS["chip"])
        top = (self.height() - ICON_SIZE) // 2
        painter.drawPixmap(_PADDING, top, _icon(self._icon, self._colour, self.devicePixelRatioF()))
        painter.setFont(font("body"))
        painter.setPen(TEXT)
        left = QPointF(_PADDING + ICON_SIZE + _SPACING, 0)
        painter.drawText(QRectF(left, self.size()), Qt.AlignmentFlag.AlignVCenter, self._text)


@cache
def _icon(name: str, value: str, ratio: float) -> QPixmap:
    """An icon as pixels: the badge is painted with every frame, and rendering the icon takes a millisecond."""
    return coloured_icon(name, value).pixmap(QSize(ICON_SIZE, ICON_SIZE), ratio)


def verified_text(by: VerifiedBy | None, *, is_empty: bool = False) -> str:
    """``Verified by mb, 2 Nov``, ``Verified empty by mb, 2 Nov``, as far as the history knows."""
    if by is None:
        return tr("Verified empty") if is_empty else tr("Verified")
    day = QLocale(QLocale.Language.English).toString(QDateTime.fromSecsSinceEpoch(int(by.when)).date(), "d MMM")
    if not by.author:
        return tr("Verified empty, {day}", day=day) if is_empty else tr("Verified, {day}", day=day)
    if is_empty:
        return tr("Verified empty by {author}, {day}", author=by.author, day=day)
    return tr("Verified by {author}, {day}", author=by.author, day=day)
