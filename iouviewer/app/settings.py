"""User settings for all projects, stored as one JSON file in the configuration folder."""

from __future__ import annotations

import contextlib
import getpass
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from iouviewer import folders
from iouviewer.atomic import atomic_write
from iouviewer.document.scores_types import ScoreSettings
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Convention
from iouviewer.path_texts import encode_legible

RECENT_LIMIT = 12
HEADER_LIMIT = 100

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]


class Settings(msgspec.Struct, kw_only=True):
    """Settings of the program.

    Attributes:
        confidence: confidence threshold of the review, 0 to 1 (docs/metrics.md).
        iou_threshold: pairs at or above it are true positives.
        class_agnostic: pairs may join boxes of different classes.
        convention: pixel edge convention of new projects.
        target: IoU target line on the timeline.
        margin_points: how much worse than the baseline a variant may be, in points, for new projects.
        memory_mib: memory for decoded frames.
        proxy_on: whether a proxy is built where the user scrubs.
        proxy_mib: disk space for the proxies of all videos.
        decode_check_on: whether each video is decoded once in the background to check frame accuracy.
        scheme: colour scheme: light, dark or that of the system.
        ui_scale: size of everything in the window in per cent, from the next start on.
        key_preset: name of a key preset.
        keys: keys by action where they differ from the preset.
        caption_mode: which boxes have captions; earlier versions also wrote ``automatic``.
        loupe_on: whether the loupe is shown while an edge is dragged.
        author: who makes edits and notes; empty: the login name of the user.
        recent: files that were opened, the last one first.
        last_frames: last frame shown of recent files, by path; at most as many as there are recent files.
        last_folders: folder of the last file by kind (``video``, ``gt``, ``export`` ...).
        window_geometry, window_state: window layout as saved by Qt.
        columns: what the columns of tables are, by header, as chosen in the Open dialog (``formats.columns``).
        extra: values of other parts of the program, by name.
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
    decode_check_on: bool = msgspec.field(default=True, name="proof_on")
    scheme: Literal["system", "light", "dark"] = "system"
    ui_scale: Annotated[int, Meta(ge=90, le=150)] = 100
    key_preset: str = "iouviewer"
    keys: dict[str, str] = {}
    caption_mode: Literal["problems", "selected", "all", "none", "automatic"] = msgspec.field(
        default="problems", name="show_labels"
    )
    loupe_on: bool = True
    author: str = ""
    recent: list[str] = []
    last_frames: dict[str, int] = {}
    last_folders: dict[str, str] = {}
    window_geometry: bytes = b""
    window_state: bytes = b""
    columns: dict[str, str] = {}
    extra: dict[str, str] = {}

    @property
    def author_name(self) -> str:
        """Who makes edits and notes; empty where the system has no login name."""
        if self.author.strip():
            return self.author.strip()
        with contextlib.suppress(OSError, KeyError, ImportError):
            return getpass.getuser()
        return ""

    def __post_init__(self) -> None:
        self.upgrade()

    def upgrade(self) -> None:
        """Replace values that only earlier versions wrote."""
        if self.caption_mode == "automatic":
            self.caption_mode = "problems"

    def margins(self) -> dict[str, float]:
        """Allowed drop of the metrics that verdicts judge, in points."""
        return {"ap": self.margin_points, "pq": self.margin_points}

    def score_settings(self) -> ScoreSettings:
        """Score settings for a new project."""
        review = ReviewSettings(self.confidence, self.iou_threshold, self.convention, self.class_agnostic)
        return ScoreSettings(review, self.target)

    def set_score_defaults(self, scores: ScoreSettings) -> None:
        """Use the thresholds, convention and target of these score settings for new projects."""
        review = scores.review
        self.confidence, self.iou_threshold = review.conf, review.iou
        self.convention, self.class_agnostic = review.convention, review.class_agnostic
        self.target = scores.target

    def add_recent(self, path: Path | str) -> None:
        """Put a file at the head of the recent list."""
        text = str(Path(path).absolute())
        self.recent = [text, *(other for other in self.recent if other != text)][:RECENT_LIMIT]

    def forget_recent(self, path: Path | str) -> None:
        """Remove a file from the recent list."""
        text = str(Path(path).absolute())
        self.recent = [other for other in self.recent if other != text]

    def remember_frame(self, path: Path | str, frame: int) -> None:
        """Store the last frame shown of a file; frame 0 is the default and is not stored."""
        text = str(Path(path).absolute())
        others = [(other, old) for other, old in self.last_frames.items() if other != text]
        self.last_frames = dict([*others, (text, frame)][-RECENT_LIMIT:] if frame else others)

    def last_frame(self, path: Path | str) -> int:
        """The last frame shown of a file, 0 if unknown."""
        return self.last_frames.get(str(Path(path).absolute()), 0)

    def remember_columns(self, header: str, columns: str) -> None:
        """Store what the columns of tables with this header are."""
        others = [(other, old) for other, old in self.columns.items() if other != header]
        self.columns = dict([*others, (header, columns)][-HEADER_LIMIT:])

    def remember_folder(self, kind: str, path: Path | str) -> None:
        """Store the folder of a file (or the folder itself) that was chosen in a dialog of this kind."""
        chosen = Path(path).absolute()
        self.last_folders[kind] = str(chosen if chosen.is_dir() else chosen.parent)

    def folder(self, kind: str) -> str:
        """The folder in which a dialog of this kind starts; empty if none is stored or it no longer exists."""
        found = self.last_folders.get(kind, "")
        return found if found and Path(found).is_dir() else ""


class SettingsStore:
    """Settings with their file. The object ``settings`` stays the same; ``save`` writes it."""

    def __init__(self, path: Path | None = None, *, on_error: Callable[[UserError], None] | None = None) -> None:
        """Read the file.

        Args:
            path: ``settings.json`` of the configuration folder by default.
            on_error: called once if the file cannot be read or is damaged. A damaged file is renamed; the defaults
                are used.
        """
        self.path = path or folders.config_folder() / "settings.json"
        self._on_error = on_error
        self._written = b""
        self.settings = self._read()

    def _read(self) -> Settings:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return Settings()
        except OSError as error:
            message = tr("the settings cannot be read: {reason}", reason=error.strerror or error)
            self._report(message, tr("The defaults are used."))
            return Settings()
        try:
            settings = msgspec.json.decode(data, type=Settings)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return self._read_damaged(data, str(error))
        self._written = data
        return settings

    def _read_damaged(self, data: bytes, reason: str) -> Settings:
        """The settings that can be read one by one; the defaults if the file is not JSON."""
        settings, lost = Settings(), None
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            values = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
            lost = _set_each(settings, values)
            settings.upgrade()
        if lost is None:
            self._move_damaged_file(reason, tr("The defaults are used"))
        else:
            used = tr("The others are kept; the defaults are used for {names}", names=", ".join(lost))
            self._move_damaged_file(reason, used)
        return settings

    def _move_damaged_file(self, reason: str, used: str) -> None:
        moved = self.path.with_name(f"{self.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        with contextlib.suppress(OSError):
            self.path.rename(moved)
        remedy = ""
        if moved.exists():
            remedy = tr("{used}; the damaged file is kept as {name}.", used=used, name=moved.name)
        self._report(tr("the settings are damaged ({reason})", reason=reason), remedy)

    def _report(self, message: str, remedy: str) -> None:
        if self._on_error is not None:
            self._on_error(UserError(message, path=self.path, remedy=remedy))

    def save(self) -> None:
        """Write the settings if they differ from the file; wholly or not at all.

        Raises:
            UserError: the file cannot be written and is unchanged.
        """
        data = (
            msgspec.json.format(encode_legible(self.settings, msgspec.json.encode, msgspec.to_builtins), indent=1)
            + b"\n"
        )
        if data == self._written:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = tr("the settings cannot be written: {reason}", reason=error.strerror or error)
            raise UserError(message, path=self.path) from error
        with atomic_write(self.path) as file:
            file.write(data)
        self._written = data


def _set_each(settings: Settings, values: dict[str, msgspec.Raw]) -> list[str]:
    """Set the values that are valid, each on its own; returns the names of the others."""
    lost = []
    for field in msgspec.structs.fields(Settings):
        if field.encode_name not in values:
            continue
        try:
            setattr(settings, field.name, msgspec.json.decode(values[field.encode_name], type=field.type))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            lost.append(field.encode_name)
    return lost


class _StoredScoreSettings(msgspec.Struct):
    confidence: float
    iou_threshold: float
    convention: Convention
    class_agnostic: bool
    target: float
    left_out: tuple[str, ...] = ()


def score_settings_to_json(settings: ScoreSettings) -> dict[str, Any]:
    """Score settings as a project stores them; the frame selection belongs to the window and is left out."""
    review = settings.review
    left_out = tuple(sorted(settings.left_out))
    stored = _StoredScoreSettings(
        review.conf, review.iou, review.convention, review.class_agnostic, settings.target, left_out
    )
    return dict(msgspec.to_builtins(stored))


def score_settings_from_json(value: object, default: ScoreSettings) -> ScoreSettings:
    """Score settings from a project's JSON value; ``default`` if it holds none."""
    try:
        stored = msgspec.convert(value, _StoredScoreSettings)
    except msgspec.ValidationError:
        return default
    review = ReviewSettings(stored.confidence, stored.iou_threshold, stored.convention, stored.class_agnostic)
    return ScoreSettings(review, stored.target, left_out=frozenset(stored.left_out))
