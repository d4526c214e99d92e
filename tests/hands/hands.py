"""A person at the real window: finds things by what is seen and acts with mouse and key events only.

Events enter at the level of the window system (``QWindow``), so Qt decides which widget is under the mouse, which has
the focus and which shortcut fires, as it does for a real mouse and keyboard. Nothing here calls the session, selects
from code or triggers an action; results are read from widgets on the screen or from files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QEvent, QMimeData, QPoint, QPointF, QRect, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QAction,
    QColor,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QGuiApplication,
    QKeySequence,
    QMouseEvent,
    QWheelEvent,
    QWindow,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialog,
    QGraphicsView,
    QLabel,
    QLineEdit,
    QMenu,
    QMenuBar,
    QSpinBox,
    QTabBar,
    QTableView,
    QToolTip,
    QWidget,
)
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

Point = tuple[float, float]

LEFT = Qt.MouseButton.LeftButton
RIGHT = Qt.MouseButton.RightButton
NO_MODIFIER = Qt.KeyboardModifier.NoModifier
WAIT_MS = 20_000
PICTURE_MS = 2_000


def plain(text: str) -> str:
    """A text as it is read: without the marks of mnemonics."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


class Hands:
    """Mouse, keys and eyes of a person in front of one window."""

    def __init__(self, qtbot: QtBot, window: QWidget) -> None:
        self._qtbot = qtbot
        self.window = window
        self._mouse = QPoint()
        self._pressed_in: QWindow | None = None

    # Eyes

    def wait(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait until something is seen."""
        try:
            self._qtbot.waitUntil(lambda: bool(condition()), timeout=WAIT_MS)
        except self._qtbot.TimeoutError as error:
            raise AssertionError(f"never seen: {what or condition}") from error

    def named(self, name: str) -> QWidget:
        """The visible widget with this object name."""
        found = [w for w in self.window.findChildren(QWidget, name) if w.isVisible()]
        assert len(found) == 1, f"{len(found)} visible widgets are named {name}"
        return found[0]

    def sees(self, name: str) -> bool:
        """Whether a widget with this object name is visible."""
        return any(widget.isVisible() for widget in self.window.findChildren(QWidget, name))

    def button(self, text: str, inside: QWidget | None = None) -> QAbstractButton:
        """The visible button with this text, or with this accessible name where it has no text."""
        for button in (inside or self.window).findChildren(QAbstractButton):
            if button.isVisible() and text in (plain(button.text()), button.accessibleName()):
                return button
        raise AssertionError(f"there is no button “{text}”")

    def texts(self, inside: QWidget | None = None) -> list[str]:
        """All texts of visible labels and buttons."""
        top = inside or self.window
        widgets = [w for kind in (QLabel, QAbstractButton) for w in top.findChildren(kind) if w.isVisible()]
        return [plain(w.text()) for w in widgets if w.text()]

    def reads(self, text: str) -> bool:
        """Whether this text is somewhere on the window."""
        return any(text in seen for seen in self.texts())

    def rows(self, table: str) -> list[list[str]]:
        """The texts of a table or list, row by row, hidden columns left out."""
        view = self.named(table)
        assert isinstance(view, QAbstractItemView), f"{table} is not a table"
        model = view.model()
        count = 1 if isinstance(model, QAbstractListModel) else model.columnCount()
        shown = [c for c in range(count) if not (isinstance(view, QTableView) and view.isColumnHidden(c))]
        return [[str(model.index(r, c).data() or "") for c in shown] for r in range(model.rowCount())]

    def cell(self, table: str, row: int, title: str) -> str:
        """The text of a cell by the title of its column."""
        view = self.named(table)
        assert isinstance(view, QTableView), f"{table} has no columns"
        model = view.model()
        titles = [str(model.headerData(c, Qt.Orientation.Horizontal) or "") for c in range(model.columnCount())]
        assert title in titles, f"{table} has the columns {titles}"
        return str(model.index(row, titles.index(title)).data() or "")

    def column(self, table: str, title: str) -> list[str]:
        """The texts of a column by its title, row by row; hidden columns too."""
        view = self.named(table)
        assert isinstance(view, QTableView), f"{table} has no columns"
        return [self.cell(table, row, title) for row in range(view.model().rowCount())]

    @property
    def frame(self) -> int:
        """The number in the frame field."""
        field = self.named("frameSpinBox")
        assert isinstance(field, QSpinBox)
        return field.value()

    def colour_at(self, point: Point) -> QColor:
        """The colour on the screen at a point of the picture."""
        canvas = self.canvas
        return canvas.viewport().grab().toImage().pixelColor(self._in_viewport(canvas, point))

    # Mouse

    def _top_level(self, point: QPoint) -> QWindow:
        popup = QApplication.activePopupWidget()
        if popup is not None and popup.windowHandle() is not None:
            return popup.windowHandle()
        modal = QApplication.activeModalWidget()
        if modal is not None and modal.windowHandle() is not None:
            return modal.windowHandle()
        found = QGuiApplication.topLevelAt(point)
        handle = found if found is not None else self.window.window().windowHandle()
        assert handle is not None, "the window is not on the screen"
        return handle

    def move(self, point: QPoint, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Move the mouse to a point of the screen; a held button drags, with held keys that change what it does."""
        window = self._top_level(point)
        self._mouse = point
        if modifiers != NO_MODIFIER:
            # QTest moves without keys; the window system sends them with the move.
            place, none = QPointF(window.mapFromGlobal(point)), Qt.MouseButton.NoButton
            buttons = LEFT if self._pressed_in is not None else none
            kind = QEvent.Type.MouseMove
            QApplication.sendEvent(window, QMouseEvent(kind, place, QPointF(point), none, buttons, modifiers))
        else:
            QTest.mouseMove(window, window.mapFromGlobal(point))
        QApplication.processEvents()

    def press(self, point: QPoint, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Press the left button at a point of the screen."""
        self.move(point)
        window = self._top_level(point)
        self._pressed_in = window
        QTest.mousePress(window, LEFT, modifiers, window.mapFromGlobal(point))

    def release(self, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Release the left button where the mouse is."""
        # The window system sends the release where the press was.
        pressed, self._pressed_in = self._pressed_in, None
        window = pressed if pressed is not None and isValid(pressed) else self._top_level(self._mouse)
        QTest.mouseRelease(window, LEFT, modifiers, window.mapFromGlobal(self._mouse))
        QApplication.processEvents()

    def click(self, target: QWidget | QPoint, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Click a widget's centre, or a point of the screen."""
        if isinstance(target, QWidget):
            assert target.isVisible(), f"{target.objectName() or target} is not visible"
            assert target.isEnabled(), f"{target.objectName() or target} is disabled"
            target = target.mapToGlobal(target.rect().center())
        self.press(target, modifiers)
        self.release(modifiers)

    def double_click(self, target: QPoint) -> None:
        """Double-click a point of the screen."""
        self.move(target)
        window = self._top_level(target)
        # The whole gesture: press, release, second press as a double click, release.
        QTest.mouseDClick(window, LEFT, NO_MODIFIER, window.mapFromGlobal(target))
        QApplication.processEvents()

    def click_row(self, table: str, row: int, column: int = 0) -> None:
        """Click a cell of a table or list, once it rests where it is."""
        place = self.row_centre(table, row, column)
        QTest.qWait(20)
        while (now := self.row_centre(table, row, column)) != place:
            place = now
            QTest.qWait(20)
        self.click(place)

    def right_click(self, target: QPoint) -> None:
        """Click a point of the screen with the right button."""
        self.move(target)
        window = self._top_level(target)
        QTest.mouseClick(window, RIGHT, NO_MODIFIER, window.mapFromGlobal(target))
        QApplication.processEvents()

    def wheel(self, target: QPoint, notches: int, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Turn the wheel over a point of the screen; positive is away from the person."""
        self.move(target)
        window = self._top_level(target)
        event = QWheelEvent(
            QPointF(window.mapFromGlobal(target)),
            QPointF(target),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(window, event)
        QApplication.processEvents()

    def drop(self, on: QWidget, *paths: Path) -> None:
        """Drag files from another program and drop them on the middle of a widget."""
        window = self.window.window().windowHandle()
        assert window is not None, "the window is not on the screen"
        files = QMimeData()
        files.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        place = on.mapTo(self.window, on.rect().center())
        copy = Qt.DropAction.CopyAction
        enter = QDragEnterEvent(place, copy, files, LEFT, NO_MODIFIER)
        QApplication.sendEvent(window, enter)
        # As the window system does: a move is accepted unless the widget says otherwise.
        move = QDragMoveEvent(place, copy, files, LEFT, NO_MODIFIER)
        move.setDropAction(enter.dropAction())
        move.setAccepted(enter.isAccepted())
        QApplication.sendEvent(window, move)
        assert move.isAccepted(), "the window refuses these files here"
        QApplication.sendEvent(window, QDropEvent(QPointF(place), copy, files, LEFT, NO_MODIFIER))
        QApplication.processEvents()

    def tooltip_at(self, target: QPoint) -> str:
        """Rest the mouse on a point of the screen until its tool tip is shown."""
        QToolTip.hideText()
        self.wait(lambda: not QToolTip.isVisible(), "the old tool tip to disappear")
        self.move(target + QPoint(1, 1))
        self.move(target)
        self.wait(lambda: QToolTip.isVisible() and QToolTip.text(), "a tool tip")
        return QToolTip.text()

    def row_centre(self, table: str, row: int, column: int = 0) -> QPoint:
        """Where a cell of a table or list is on the screen."""
        view = self.named(table)
        assert isinstance(view, QAbstractItemView)
        index = view.model().index(row, column)
        assert index.isValid(), f"{table} has no row {row}"
        view.scrollTo(index)
        return view.viewport().mapToGlobal(view.visualRect(index).center())

    def choose(self, box: QComboBox, text: str) -> None:
        """Open a list of choices by mouse and click the one with this text."""
        texts = [box.itemText(i) for i in range(box.count())]
        assert text in texts, f"“{text}” is not among {texts}"
        window, view = box.window().windowHandle(), box.view()
        # A click on the text of an editable one would type; its arrow is at the right end.
        arrow = box.mapToGlobal(QPoint(box.width() - 8, box.height() // 2))
        self.click(arrow if box.isEditable() else box)
        self.wait(view.isVisible, "the list of choices")
        QTest.qWait(QApplication.doubleClickInterval() + 50)  # Qt ignores a release that may belong to the first click
        index = view.model().index(texts.index(text), 0)
        view.scrollTo(index)
        place = window.mapFromGlobal(view.viewport().mapToGlobal(view.visualRect(index).center()))
        if QRect(QPoint(), window.size()).contains(place):
            QTest.mouseMove(window, place)
            QTest.mouseClick(window, LEFT, NO_MODIFIER, place)
        else:  # a long list ends outside the dialog
            QTest.mouseMove(view.viewport(), view.visualRect(index).center())
            QTest.mouseClick(view.viewport(), LEFT, NO_MODIFIER, view.visualRect(index).center())
        self.wait(lambda: box.currentText() == text, f"the choice “{text}”")

    def choose_from(self, button: QWidget, text: str) -> None:
        """Open the menu of a button by mouse and click the entry with this text."""
        errors: list[BaseException] = []
        seen: list[QMenu] = []
        timer = QTimer()
        timer.setInterval(20)

        def look() -> None:
            menu = QApplication.activePopupWidget()
            if not isinstance(menu, QMenu) or not menu.isVisible() or seen:
                return
            seen.append(menu)
            timer.stop()
            try:
                self.release()  # of the press that opened the menu
                self.click(menu.mapToGlobal(menu.actionGeometry(_entry(menu, text)).center()))
            except BaseException as error:  # noqa: BLE001 - raised below, where the test sees it
                errors.append(error)
                menu.close()

        timer.timeout.connect(look)
        timer.start()
        try:
            self.press(button.mapToGlobal(button.rect().center()))
            self.wait(lambda: seen, "the menu of the button")
        finally:
            timer.stop()
        if errors:
            raise errors[0]

    def reads_tab(self, text: str) -> bool:
        """Whether a visible tab has this text, with its count."""
        bars = [bar for bar in self.window.findChildren(QTabBar) if bar.isVisible()]
        return any(plain(bar.tabText(place)) == text for bar in bars for place in range(bar.count()))

    def open_tab(self, text: str, inside: QWidget | None = None) -> None:
        """Click a tab by its text; a count behind the text is left out."""
        QApplication.processEvents()  # a sentence that has just appeared moves the tabs
        for bar in (inside or self.window).findChildren(QTabBar):
            for i in range(bar.count() if bar.isVisible() else 0):
                if plain(bar.tabText(i)).rstrip("0123456789, ") == text:
                    self.click(bar.mapToGlobal(bar.tabRect(i).center()))
                    return
        raise AssertionError(f"there is no tab “{text}”")

    # The canvas, in picture coordinates

    @property
    def canvas(self) -> QGraphicsView:
        """The canvas; its scene units are picture pixels."""
        view = self.named("canvas")
        assert isinstance(view, QGraphicsView)
        return view

    @staticmethod
    def _in_viewport(canvas: QGraphicsView, point: Point) -> QPoint:
        return canvas.mapFromScene(QPointF(*point))

    def on_canvas(self, point: Point) -> QPoint:
        """Where a point of the picture is on the screen."""
        canvas = self.canvas
        inside = self._in_viewport(canvas, point)
        assert canvas.viewport().rect().contains(inside), f"{point} of the picture is outside the canvas"
        return canvas.viewport().mapToGlobal(inside)

    def _see_picture(self) -> None:
        """Let a picture that is being decoded appear: a person clicks what they see, and until then no box is there."""
        place = QPoint()
        while (now := self._in_viewport(self.canvas, (0.0, 0.0))) != place:
            place = now
            QTest.qWait(20)  # a layout that is under way moves the picture
        # In some tests no picture comes; the click then shows what happens without one.
        with suppress(self._qtbot.TimeoutError):
            self._qtbot.waitUntil(lambda: getattr(self.canvas, "shown_frame", -1) == self.frame, timeout=PICTURE_MS)

    def press_picture(self, point: Point, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Press the left button at a point of the picture."""
        self._see_picture()
        self.press(self.on_canvas(point), modifiers)

    def move_picture(self, point: Point, steps: int = 4, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Move the mouse to a point of the picture in some steps."""
        start, end = self._mouse, self.on_canvas(point)
        for step in range(1, steps + 1):
            self.move(start + (end - start) * step / steps, modifiers)

    def click_picture(self, point: Point, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Click a point of the picture."""
        self._see_picture()
        self.click(self.on_canvas(point), modifiers)

    def drag_picture(self, start: Point, end: Point, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Drag from one point of the picture to another, with keys held."""
        self.press_picture(start, modifiers)
        self.move_picture(end, modifiers=modifiers)
        self.release(modifiers)

    # Keys

    def _key_window(self) -> QWindow:
        for widget in (QApplication.activePopupWidget(), QApplication.activeModalWidget()):
            # A completion list passes its keys on to its field, and closes while one types.
            if widget is not None and not isinstance(widget, QAbstractItemView) and widget.windowHandle() is not None:
                return widget.windowHandle()
        handle = QGuiApplication.focusWindow() or self.window.window().windowHandle()
        assert handle is not None, "the window is not on the screen"
        return handle

    def key(self, *keys: str) -> None:
        """Press and release keys, each as it is written in menus: ``W``, ``Ctrl+Z``, ``Del``."""
        for text in keys:
            [combination] = [QKeySequence(text)[0]]
            QTest.keyClick(self._key_window(), combination.key(), combination.keyboardModifiers())
            QApplication.processEvents()

    def hold(self, key: str) -> None:
        """Press a key and keep it down."""
        combination = QKeySequence(key)[0]
        QTest.keyPress(self._key_window(), combination.key(), combination.keyboardModifiers())
        QApplication.processEvents()

    def release_key(self, key: str) -> None:
        """Release a key that is held."""
        combination = QKeySequence(key)[0]
        QTest.keyRelease(self._key_window(), combination.key(), combination.keyboardModifiers())
        QApplication.processEvents()

    def type(self, text: str) -> None:
        """Type a text into what has the focus."""
        for character in text:
            QTest.keyClick(self._key_window(), character)
        QApplication.processEvents()

    # Menus and dialogs

    def context_menu(self, place: QPoint, entry: str) -> None:
        """Open a context menu with the right button and click an entry."""
        self.popup(lambda: self.right_click(place), entry)

    def popup(self, opens: Callable[[], None], entry: str) -> None:
        """Open a menu and click an entry.

        Such a menu runs its own event loop inside the click that opens it, so the choice waits for it there.
        """
        errors: list[BaseException] = []
        seen: list[QMenu] = []
        timer = QTimer()
        timer.setInterval(20)

        def look() -> None:
            menu = QApplication.activePopupWidget()
            if not isinstance(menu, QMenu) or not menu.isVisible():
                return
            timer.stop()
            seen.append(menu)
            try:
                found = _entry(menu, entry)
                assert found.isEnabled(), f"“{entry}” is disabled"
                self.click(menu.mapToGlobal(menu.actionGeometry(found).center()))
            except BaseException as error:  # noqa: BLE001 - raised below, where the test sees it
                errors.append(error)
                menu.close()

        timer.timeout.connect(look)
        timer.start()
        try:
            opens()
            self.wait(lambda: seen, "a menu")
        finally:
            timer.stop()
        if errors:
            raise errors[0]

    def menu(self, *path: str) -> None:
        """Open a menu by mouse and click through it: ``menu("File", "Export as", "Pairs (CSV)…")``."""
        bar = self.window.findChild(QMenuBar)
        assert bar is not None, "the window has no menu bar"
        action = _entry(bar, path[0])
        self.click(bar.mapToGlobal(bar.actionGeometry(action).center()))
        for step in path[1:]:
            menu = QApplication.activePopupWidget()
            assert isinstance(menu, QMenu), f"no menu is open for “{step}”"
            entry = _entry(menu, step)
            assert entry.isEnabled(), f"“{step}” is disabled"
            place = menu.mapToGlobal(menu.actionGeometry(entry).center())
            submenu = entry.menu()
            self.click(place)
            if submenu is not None:
                self.wait(submenu.isVisible, f"the menu “{step}”")

    @contextmanager
    def in_dialog(self, *steps: Callable[[QDialog], None]) -> Iterator[None]:
        """Do what is in the block; when a dialog opens, do these steps in it, and the next ones in the next dialog.

        All dialogs must be gone at the end.

        A modal dialog runs its own event loop inside the event that opened it, so its steps wait for it there.
        """
        errors: list[BaseException] = []
        seen: list[QDialog] = []
        is_over: list[bool] = []

        def look() -> None:
            if is_over:
                return
            # Another timer each time: one does not fire inside its own slot, where a step may open the next dialog.
            QTimer.singleShot(20, look)
            dialog = QApplication.activeModalWidget()
            if not isinstance(dialog, QDialog) or not dialog.isVisible() or errors:
                return
            if not dialog.isActiveWindow():
                if dialog in seen:
                    dialog.activateWindow()  # what the window system does when the dialog above it closes
                return
            if dialog in seen or len(seen) == len(steps):
                return
            seen.append(dialog)
            try:
                steps[len(seen) - 1](dialog)
            except BaseException as error:  # noqa: BLE001 - raised below, where the test sees it
                errors.append(error)
                dialog.reject()

        QTimer.singleShot(20, look)
        try:
            yield
            self.wait(lambda: len(seen) == len(steps) or errors, "a dialog")
        finally:
            is_over.append(True)
        if errors:
            raise errors[0]
        self.wait(lambda: not any(isValid(one) and one.isVisible() for one in seen), "the dialog's end")
        self._return_to_window()

    def _return_to_window(self) -> None:
        """Do what the window system does when a dialog closes: the window gets the keyboard again."""
        if QApplication.activeModalWidget() is None and not self.window.isActiveWindow():
            self.window.activateWindow()
            self.wait(self.window.isActiveWindow, "the active window")

    def save_as(self, path: Path) -> Callable[[QDialog], None]:
        """Steps in a file dialog: type the path and press Enter."""

        def steps(dialog: QDialog) -> None:
            field = next(f for f in dialog.findChildren(QLineEdit) if f.isVisible())
            self.click(field)
            self.key("Ctrl+A")
            self.type(str(path))
            self.key("Return")

        return steps

    open_path = save_as


def _entry(menu: QMenuBar | QMenu, text: str) -> QAction:
    for action in menu.actions():
        # The key of a command may stand behind a tab.
        if action.isVisible() and text in (plain(action.text()), plain(action.text()).split("\t")[0]):
            return action
    raise AssertionError(f"“{text}” is not in the menu: {[plain(a.text()) for a in menu.actions() if a.text()]}")
