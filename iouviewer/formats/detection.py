"""Which format a file or folder is in: by its content, the name only decides between what the content allows."""

from __future__ import annotations

import csv
import re
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

from iouviewer.document.imported import Kind
from iouviewer.errors import UserError
from iouviewer.formats import box_csv
from iouviewer.formats.interface import Detected
from iouviewer.formats.mot import kind_of
from iouviewer.formats.text import cannot_read

HEAD = 1 << 16
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)


def detect(path: Path) -> Detected | None:
    """What ``path`` seems to be; None for videos, pictures and all that is not known.

    Raises:
        UserError: it does not exist or may not be read.
    """
    path = Path(path)
    if not path.exists():
        raise UserError("does not exist", path=path)
    try:
        if path.is_dir():
            return _detect_folder(path)
        with path.open("rb") as file:
            head = file.read(HEAD)
        return _detect_file(path, head)
    except OSError as error:
        raise cannot_read(path, error) from error
    except zipfile.BadZipFile as error:
        raise UserError(f"is not a readable zip archive: {error}", path=path) from error


def _detect_file(path: Path, head: bytes) -> Detected | None:
    if head.startswith(b"PK"):
        return _detect_zip(path)
    if b"\0" in head:
        return None
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if text.startswith("<"):
        return _detect_xml(text)
    if text.startswith(("{", "[")):
        return _detect_json(path, text)
    return _detect_table(path, text)


def _detect_zip(path: Path) -> Detected | None:
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(Path(name).name == "annotations.xml" for name in names):
        return Detected("cvat", Kind.GROUND_TRUTH, 0.9, "a zip archive with CVAT's annotations.xml")
    return None


def _detect_xml(text: str) -> Detected | None:
    root = re.search(r"<([A-Za-z_][\w.-]*)[\s>/]", re.sub(r"<\?.*?\?>|<!--.*?-->", "", text, flags=re.DOTALL))
    if root is None:
        # A file whose head is one long declaration (a DTD) is refused by the XML reader with its line.
        return Detected("cvat", Kind.GROUND_TRUTH, 0.1, "XML") if "<!DOCTYPE" in text else None
    if root[1] == "annotations":
        return Detected("cvat", Kind.GROUND_TRUTH, 0.95, "CVAT XML: its root is <annotations>")
    if root[1] == "annotation":
        return Detected("voc", Kind.GROUND_TRUTH, 0.95, "Pascal VOC XML: its root is <annotation>")
    return None


def _detect_json(path: Path, text: str) -> Detected | None:
    found = _json_by_keys(text)
    if found is None and len(text) >= HEAD // 2:
        # The telling keys may stand behind a long list.
        whole = path.read_text(encoding="utf-8-sig", errors="replace")
        found = _json_by_keys(whole)
    if found is None and re.fullmatch(r"\[\s*\]\s*", text):
        return Detected("coco", Kind.PREDICTIONS, 0.4, "an empty JSON list: COCO results without any")
    return found


def _json_by_keys(text: str) -> Detected | None:
    def has(*keys: str) -> bool:
        return all(re.search(rf'"{key}"\s*:', text) for key in keys)

    if has("shapes") and (has("imagePath") or has("version")):
        return Detected("labelme", Kind.GROUND_TRUTH, 0.9, "labelme JSON: it has shapes")
    if '"videorectangle"' in text or has("sequence", "framesCount"):
        return Detected("labelstudio", Kind.GROUND_TRUTH, 0.9, "Label Studio JSON with video rectangles")
    if text.startswith("[") and has("image_id", "bbox"):
        return Detected("coco", Kind.PREDICTIONS, 0.95, "a list of COCO results")
    if text.startswith("{") and (has("annotations") or has("images") or has("predictions")) and not has("shapes"):
        scored = has("score") or has("protocol")
        kind = Kind.PREDICTIONS if scored else Kind.GROUND_TRUTH
        return Detected("coco", kind, 0.9, "COCO JSON: it has images and annotations")
    return None


def _fields(line: str) -> list[str]:
    return [f.strip() for f in line.strip().rstrip(",").split(",")] if "," in line else line.split()


def _detect_table(path: Path, text: str) -> Detected | None:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        named = path.suffix.lower() == ".txt"
        return Detected("mot", Kind.UNKNOWN, 0.2, "an empty text file") if named else None
    header = next(csv.reader([lines[0]]), [])
    if box_csv.is_box_header(header):
        kind = Kind.PREDICTIONS if "score" in [f.strip().lower() for f in header] else Kind.UNKNOWN
        return Detected(box_csv.KEY, kind, 1.0, "box CSV: its header is frameID,x1,y1,x2,y2")
    if box_csv.is_score_header(header):
        return Detected("score_csv", Kind.UNKNOWN, 1.0, "score CSV: its header is frameID,iou")
    # One damaged row must not hide what the file is, so the best of the first lines counts.
    rows = [fields for line in lines[:20] if all(map(_NUMBER.fullmatch, fields := _fields(line)))]
    if not rows:
        return None
    width = Counter(map(len, rows)).most_common(1)[0][0]
    rows = [row for row in rows if len(row) == width]
    # Longer rows are polygons: the reader says so row by row.
    if width >= 5 and "," not in lines[0] and _looks_normalised(rows):
        return Detected("yolo", Kind.GROUND_TRUTH if width == 5 else Kind.PREDICTIONS, 0.8, "YOLO rows: class x y w h")
    if width >= 6:
        kind = kind_of(np.array(rows, np.float64), path)[0]
        return Detected("mot", kind, 0.8, f"MOTChallenge rows of {width} numbers")
    return None


def _looks_normalised(rows: list[list[str]]) -> bool:
    """Whether most rows hold fractions; not a number counts as no fraction."""
    return 2 * sum(all(float(f) <= 2 for f in row[1:5]) for row in rows) >= len(rows)


def _detect_folder(path: Path) -> Detected | None:
    for name in ("gt/gt.txt", "gt.txt"):
        if (path / name).is_file():
            return Detected("mot", Kind.GROUND_TRUTH, 0.95, f"a MOTChallenge sequence: it has {name}")
    for name in ("det/det.txt", "det.txt"):
        if (path / name).is_file():
            return Detected("mot", Kind.PREDICTIONS, 0.95, f"a MOTChallenge sequence: it has {name}")
    for folder in (path / "labels", path):
        if folder.is_dir() and (found := _detect_label_folder(folder)):
            return found
    nested = next((path / "labels").glob("*/*.txt"), None) if (path / "labels").is_dir() else None
    if nested is not None:
        return _detect_label_folder(nested.parent)
    return None


def _detect_label_folder(folder: Path) -> Detected | None:
    """By the first few files of each ending; YOLO's may all be empty."""
    for ending, key in ((".xml", "voc"), (".json", "labelme"), (".txt", "yolo")):
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() == ending and p.stem != "classes")
        for file in files[:20]:
            with file.open("rb") as opened:
                head = opened.read(HEAD)
            found = _detect_file(file, head)
            if found is not None and found.format == key:
                return Detected(key, found.kind, found.certainty, f"a folder of {found.reason}")
        if key == "yolo" and files and folder.name == "labels" and all(p.stat().st_size == 0 for p in files[:20]):
            return Detected("yolo", Kind.UNKNOWN, 0.5, "a folder labels/ of empty text files")
    return None
