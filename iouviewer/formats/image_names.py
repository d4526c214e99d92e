"""Names of images and label files as tools write them: which image a name means, and which frame number it holds.

- Roboflow: ``clip_0028_jpg.rf.<hash>.jpg``, ``clip_mp4-28_jpg.rf.<hash>.txt``
- Label Studio: ``<8 hexadecimal digits>-clip_0028.jpg``, ``<uuid>-clip.mp4``, ``<hash>__folder%5Cclip_0028``
- ultralytics: ``<video>_28.txt``; CVAT: ``frame_000028.PNG``; cameras: ``frame_000001_cam2``, ``cam2_000001``
- labels beside images: ``images/train/a.jpg`` and ``labels/train/a.txt`` or ``train/images/a.jpg``, ``a.jpg.json``
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

SPLITS = {"train", "val", "valid", "validation", "test"}
_NEUTRAL_FOLDERS = {
    "images",
    "labels",
    "img",
    "imgs",
    "img1",
    "jpegimages",
    "annotations",
    "obj_train_data",
    "data",
    ".",
}
"""Folders that say what files are, not which images they are of."""
_ENDINGS = "jpg|jpeg|jpe|png|bmp|dib|tif|tiff|webp|ppm|pgm|gif"
_IMAGE_ENDING = re.compile(rf"\.(?:{_ENDINGS})$", re.IGNORECASE)
_ROBOFLOW = re.compile(rf"(.+)_(?:{_ENDINGS})\.rf(?:\..*)?$", re.IGNORECASE)
_UPLOAD = re.compile(r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8})(?:-|__)(?=.)", re.IGNORECASE)
_NOT_A_NUMBER = re.compile(
    r"(?<![a-z0-9])(?:mp4|m4v|3gp|h26[45]|m2ts|\d+(?:p|k|fps|hz|x\d+))(?![a-z0-9])", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")
_WORD_BEFORE = re.compile(r"([^\W\d_]+)[\W_]*$")
_FRAME_WORDS = {"frame", "frames", "frm", "fr", "f", "img", "image", "im", "pic", "picture"}
_OTHER_WORDS = {
    *("cam", "camera", "view", "c", "clip", "video", "vid", "seq", "sequence", "scene", "part", "day", "take", "v"),
    *("version", "ver", "track", "id", "person", "crop", "aug", "copy", "run", "session", "gopr", "gh", "gx", "dji"),
}
MIN_PADDED_DIGITS = 4
"""A number with at least as many digits and zeros in front looks like a frame number."""


def stem(name: str) -> str:
    """File name without folders (with / or \\) and without its ending."""
    base = re.split(r"[\\/]", name)[-1]
    return base.rsplit(".", 1)[0] if "." in base[1:] else base


def core_name(name: str) -> str:
    """The name that the image had before tools changed it: without folders, ending, and what tools add."""
    base = re.split(r"[\\/]", unquote(name) if "%" in name else name)[-1]
    roboflow = _ROBOFLOW.match(base)
    base = roboflow[1] if roboflow is not None else _IMAGE_ENDING.sub("", stem(base))
    upload = _UPLOAD.match(base)
    # A date such as 20260131 has eight hexadecimal digits, too.
    return base[upload.end() :] if upload is not None and not upload[0][:8].isdecimal() else base


def _folders(name: str) -> tuple[str, ...]:
    parts = re.split(r"[\\/]", name)[:-1]
    return tuple(part for part in (part.casefold() for part in parts) if part and part not in _NEUTRAL_FOLDERS)


def _are_compatible(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether two lists of folders may be of the same image: one is the end of the other."""
    length = min(len(a), len(b))
    return length == 0 or a[-length:] == b[-length:]


class NameIndex:
    """Finds images by the names that files give them.

    Args:
        names: relative paths; equal names in different folders are different images.
        folder: name of the folder that holds them; a split such as ``val`` is then part of each name.
    """

    def __init__(self, names: Sequence[str], folder: str = "") -> None:
        split = (folder.casefold(),) if folder.casefold() in SPLITS else ()
        self.names = tuple(names)
        self._folders = [split + _folders(name) for name in self.names]
        self._by_name: list[dict[str, list[int]]] = []
        for key in _KEYS:
            found: dict[str, list[int]] = defaultdict(list)
            for position, name in enumerate(self.names):
                found[key(name).casefold()].append(position)
            self._by_name.append(found)

    def find(self, name: str) -> list[int]:
        """Positions of the images that the name may mean; more than one where it is ambiguous."""
        folders = _folders(name)
        for key, known in zip(_KEYS, self._by_name, strict=True):
            positions = known.get(key(name).casefold(), [])
            fitting = [position for position in positions if _are_compatible(self._folders[position], folders)]
            same = [position for position in fitting if self._folders[position] == folders]
            if same or fitting:
                return same if len(same) == 1 else fitting
        return []


def _base(name: str) -> str:
    return re.split(r"[\\/]", name)[-1]


def _number_name(name: str) -> str:
    """The stem without leading zeros if it is a number: ultralytics gives image 000042.jpg the id 42."""
    found = stem(name)
    return str(int(found)) if found.isdecimal() and found.isascii() else found


def _letters(name: str) -> str:
    """The core name with one sign for all others than letters and digits: tools replace blanks by _ or -."""
    return re.sub(r"[\W_]+", "_", core_name(name))


_KEYS = (_base, stem, core_name, _number_name, _letters)


@dataclass(frozen=True, slots=True)
class _Number:
    """A number within a name: its value, its digits and the word before it, in lower case."""

    value: int
    digits: str
    word: str

    @property
    def is_padded(self) -> bool:
        return len(self.digits) >= MIN_PADDED_DIGITS and self.digits.startswith("0")


@dataclass(frozen=True, slots=True)
class NameNumbers:
    """The frame numbers in names.

    Attributes:
        values: one for each name; None if some name has no number.
        readings: two possible numbers of one name where the number is not certain, with that name.
        unpadded: whether no number has zeros in front, as ultralytics writes them.
    """

    values: tuple[int, ...] | None = None
    readings: tuple[str, int, int] | None = None
    unpadded: bool = False


def find_numbers(names: Sequence[str], video: str = "", position: int | None = None) -> NameNumbers:
    """The frame number in each of the names of one folder.

    If the names differ in one number only, it is that one. Otherwise words decide (``frame``, ``img`` against ``cam``,
    ``clip`` ...), then the only number that no two names share, then the only one with leading zeros.

    Args:
        video: name of the video without its ending; its own digits do not count.
        position: which number it is, from 1 or, from the end, from -1; None: found as described.
    """
    numbers = [_numbers_of(core, video) for core in _core_names(names)]
    if not numbers or not all(numbers):
        return NameNumbers()
    if position is not None:
        chosen = [of[position - 1 if position > 0 else position] for of in numbers if -len(of) <= position <= len(of)]
        return _result(chosen) if len(chosen) == len(numbers) else NameNumbers()
    shapes = {tuple(number.word for number in of) for of in numbers}
    if len(shapes) == 1:
        column = _find_column(numbers)
        if column is not None:
            return _result([of[column] for of in numbers])
    else:
        by_word = [_by_word(of) for of in numbers]
        if all(len(of) == 1 for of in by_word):
            return _result([of[0] for of in by_word])
    row = max(range(len(numbers)), key=lambda i: len(_by_word(numbers[i])))
    candidates = _by_word(numbers[row])
    return NameNumbers(readings=(names[row], candidates[0].value, candidates[-1].value))


def _core_names(names: Sequence[str]) -> list[str]:
    cores = [core_name(name) for name in names]
    uploads = [_UPLOAD.match(stem(name)) for name in names]
    if all(uploads) and any(core != stem(name) for core, name in zip(cores, names, strict=True)):
        # The prefix of some uploads has only decimal digits by chance.
        return [core_name(stem(name)[upload.end() :]) for name, upload in zip(names, uploads, strict=True) if upload]
    return cores


def _numbers_of(core: str, video: str) -> list[_Number]:
    if video and core.casefold().startswith(video.casefold()) and _DIGITS.search(core, len(video)):
        core = core[len(video) :]
    core = _NOT_A_NUMBER.sub(lambda found: "_" * len(found[0]), core)
    result = []
    for found in _DIGITS.finditer(core):
        before = _WORD_BEFORE.search(core[: found.start()])
        if len(found[0]) <= 12:
            result.append(_Number(int(found[0]), found[0], before[1].casefold() if before else ""))
    return result


def _by_word(numbers: Sequence[_Number]) -> list[_Number]:
    """The numbers that words leave as frame numbers; all of them where words say nothing."""
    frames = [number for number in numbers if number.word in _FRAME_WORDS]
    if len({id(number) for number in frames}) == 1:
        return frames
    rest = [number for number in numbers if number.word not in _OTHER_WORDS]
    return rest or list(numbers)


def _find_column(numbers: list[list[_Number]]) -> int | None:
    """The column of the frame number in names of one shape; None if it is not certain."""
    count = len(numbers[0])
    values = [[of[column].value for of in numbers] for column in range(count)]
    columns = [column for column in range(count) if len(set(values[column])) > 1] or list(range(count))
    if len(columns) > 1:
        allowed = _by_word([numbers[0][column] for column in columns])
        columns = [column for column in columns if any(numbers[0][column] is number for number in allowed)]
    unique = [column for column in columns if len(set(values[column])) == len(numbers) > 1]
    columns = unique if len(unique) == 1 else columns
    padded = [column for column in columns if any(of[column].is_padded for of in numbers)]
    columns = padded if len(padded) == 1 else columns
    return columns[0] if len(columns) == 1 else None


def _result(numbers: Sequence[_Number]) -> NameNumbers:
    unpadded = not any(len(number.digits) > 1 and number.digits.startswith("0") for number in numbers)
    return NameNumbers(tuple(number.value for number in numbers), unpadded=unpadded)
