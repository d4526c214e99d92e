"""What a person has set, for all projects; one JSON file in the configuration folder."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from iouviewer import folders
from iouviewer.atomic import atomic_write
from iouviewer.document.scores_types import ScoreSettings
from iouviewer.errors import UserError
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Convention

RECENT_LIMIT = 12

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]


class Settings(msgspec.Struct, kw_only=True):
    """Settings of the program.

    Attributes:
        confidence: predictions below it take no part in the review (metrics.md), 0..1.
        iou_threshold: pairs from here on are true positives.
        class_agnostic: pairs may join boxes of different classes.
        convention: how wide a box is, for new projects.
        target: the line that IoU should reach.
        margin_points: how much worse than the baseline a variant may be, in points, for new projects.
        memory_mib: for decoded pictures.
        proxy_on: whether small copies are made where the user scrubs; proxy_mib: disk that all of them may take.
        proof_on: whether each video is decoded once in the background, to prove that every picture is right.
        scheme: light, dark or the system's.
        key_preset: name of a key preset.
        keys: keys by action where they differ from the preset.
        show_labels: when boxes carry labels.
        recent: files that were opened, the last one first.
        last_frames: where the recent files were left, by path; at most as many as there are recent files.
        last_folders: folder of the last file by kind (``video``, ``gt``, ``export`` ...).
        window_geometry, window_state: what Qt saved of the window.
        extra: values of parts that are not known here, by name.
    """

    confidence: Fraction = 0.25
    iou_threshold: Fraction = 0.5
    class_agnostic: bool = False
    convention: Convention = Convention.CONTINUOUS
    target: Fraction = 0.75
    margin_points: Annotated[float, Meta(ge=0.0, le=100.0)] = 1.0
    memory_mib: Annotated[int, Meta(ge=64, le=1 << 20)] = 512
    proxy_on: bool = True
    proxy_mib: Annotated[int, Meta(ge=64, le=1 << 22)] = 2048
    proof_on: bool = True
    scheme: Literal["system", "light", "dark"] = "system"
    key_preset: str = "iouviewer"
    keys: dict[str, str] = {}
    show_labels: Literal["automatic", "all", "none"] = "automatic"
    recent: list[str] = []
    last_frames: dict[str, int] = {}
    last_folders: dict[str, str] = {}
    window_geometry: bytes = b""
    window_state: bytes = b""
    extra: dict[str, str] = {}

    def score_settings(self) -> ScoreSettings:
        """What scores of a new project depend on."""
        review = ReviewSettings(self.confidence, self.iou_threshold, self.convention, self.class_agnostic)
        return ScoreSettings(review, self.target)

    def take_score_settings(self, scores: ScoreSettings) -> None:
        """Remember thresholds, convention and target of these scores for new projects."""
        review = scores.review
        self.confidence, self.iou_threshold = review.conf, review.iou
        self.convention, self.class_agnostic = review.convention, review.class_agnostic
        self.target = scores.target

    def add_recent(self, path: Path | str) -> None:
        """Put a file at the head of the recent list."""
        text = str(Path(path).absolute())
        self.recent = [text, *(other for other in self.recent if other != text)][:RECENT_LIMIT]

    def forget_recent(self, path: Path | str) -> None:
        """Take a file off the recent list."""
        text = str(Path(path).absolute())
        self.recent = [other for other in self.recent if other != text]

    def remember_frame(self, path: Path | str, frame: int) -> None:
        """Remember where a file was left; frame 0 needs no remembering."""
        text = str(Path(path).absolute())
        others = [(other, old) for other, old in self.last_frames.items() if other != text]
        self.last_frames = dict([*others, (text, frame)][-RECENT_LIMIT:] if frame else others)

    def last_frame(self, path: Path | str) -> int:
        """The frame at which a file was left, 0 where nothing is known."""
        return self.last_frames.get(str(Path(path).absolute()), 0)

    def remember_folder(self, kind: str, path: Path | str) -> None:
        """Remember the folder of a file (or the folder itself) that a dialog of this kind gave."""
        place = Path(path).absolute()
        self.last_folders[kind] = str(place if place.is_dir() else place.parent)

    def folder(self, kind: str) -> str:
        """The folder where a dialog of this kind starts; empty if it never gave one or it is gone."""
        found = self.last_folders.get(kind, "")
        return found if found and Path(found).is_dir() else ""


class SettingsStore:
    """Settings with their file. The object ``settings`` stays the same; ``save`` writes it."""

    def __init__(self, path: Path | None = None, *, tell: Callable[[UserError], None] | None = None) -> None:
        """Read the file.

        Args:
            path: ``settings.json`` of the configuration folder by default.
            tell: gets one error if the file is damaged; it is kept aside and the defaults stand.
        """
        self.path = path or folders.config_folder() / "settings.json"
        self._tell = tell
        self._written = b""
        self.settings = self._read()

    def _read(self) -> Settings:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return Settings()
        except OSError as error:
            self._report(f"the settings cannot be read: {error.strerror or error}", "The defaults are used.")
            return Settings()
        try:
            settings = msgspec.json.decode(data, type=Settings)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._put_aside(str(error))
            return Settings()
        self._written = data
        return settings

    def _put_aside(self, reason: str) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        with contextlib.suppress(OSError):
            self.path.rename(aside)
        where = f"The defaults are used; the old file is kept as {aside.name}." if aside.exists() else ""
        self._report(f"the settings are damaged ({reason})", where)

    def _report(self, message: str, remedy: str) -> None:
        if self._tell is not None:
            self._tell(UserError(message, path=self.path, remedy=remedy))

    def save(self) -> None:
        """Write the settings if they differ from the file; wholly or not at all.

        Raises:
            UserError: the file cannot be written; the old one stands.
        """
        data = msgspec.json.format(msgspec.json.encode(self.settings), indent=1) + b"\n"
        if data == self._written:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"the settings cannot be written: {error.strerror or error}", path=self.path) from error
        with atomic_write(self.path) as file:
            file.write(data)
        self._written = data
