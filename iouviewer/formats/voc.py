"""Pascal VOC XML: one file per image, corners as they stand in the file, as datumaro, globox and pylabel read them.

The data set of 2007 to 2012 itself counts pixels from 1 and includes the last one: its columns xmin..xmax cover the
continuous interval xmin - 1 to xmax (Everingham 2010, development kit). ``ReadContext.voc_one_based`` reads it so.
Nearly all tools that write this format today, labelImg among them, write continuous corners from 0.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

from iouviewer.atomic import atomic_folder
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes, ImportKind, StatedFact
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.interface import BoxesToWrite, DetectedFormat, Location, ReadContext
from iouviewer.formats.label_files import Size, read_folder, written_stems
from iouviewer.formats.number_text import corner_texts
from iouviewer.formats.rows import Rows
from iouviewer.formats.text import cannot_read, keep_text
from iouviewer.formats.unsupported_fields import Field
from iouviewer.formats.xml_safe import Element, read_elements
from iouviewer.i18n import tr

KEY = "voc"
FLAGS = (("difficult", BoxFlag.IGNORED), ("truncated", BoxFlag.TRUNCATED), ("occluded", BoxFlag.OCCLUDED))
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def sniff(sample: FileSample) -> DetectedFormat | None:
    """XML with the root <annotation>."""
    if sample.xml_root != "annotation":
        return None
    return DetectedFormat(KEY, ImportKind.GROUND_TRUTH, 0.95, tr("Pascal VOC XML with the root <annotation>"))


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a folder of VOC files, or of one file; ``difficult`` objects become ignored ground truth.

    Raises:
        UserError: the folder cannot be listed, or none of its files can be read.
    """
    result = read_folder(path, KEY, ".xml", context, _read_one_based if context.voc_one_based else _read_file)
    if context.voc_one_based:
        note = StatedFact(
            tr("Pixels are counted from 1 and include the last one, as in the VOC data sets: 1 is subtracted")
        )
    else:
        note = StatedFact(
            tr("Corners are used as they are in the file; --voc-one-based subtracts 1, as the VOC data sets need")
        )
    return replace(result, notes=(*result.notes, note)) if len(result) else result


def _read_one_based(file: Path, frame: int, rows: Rows) -> tuple[str, Size]:
    return _read_file(file, frame, rows, first_pixel=1)


def _read_file(file: Path, frame: int, rows: Rows, first_pixel: int = 0) -> tuple[str, Size]:
    children: list[Element] = []
    keep_text(file)
    try:
        with file.open("rb") as stream:
            root = read_elements(file, stream, children.append)
    except OSError as error:
        raise cannot_read(file, error) from error
    if root != "annotation":
        reason = tr("the file is not Pascal VOC XML: its root is <{root}>, not <annotation>", root=root)
        raise UserError(reason, path=file, line=1)
    name, size = "", None
    for child in children:
        if child.tag == "filename":
            name = child.text.strip()
        elif child.tag == "size":
            width, height = child.value("width"), child.value("height")
            # Some tools write 0 if they do not know the size of the image.
            if width.isdigit() and height.isdigit() and int(width) and int(height):
                size = int(width), int(height)
        elif child.tag == "object":
            _read_object(child, Location(file, child.line), frame, rows, first_pixel)
    return name, size


def _read_object(element: Element, location: Location, frame: int, rows: Rows, first_pixel: int) -> None:
    try:
        xmin, ymin, xmax, ymax = (float(element.value(f"bndbox/{corner}")) for corner in CORNERS)
    except ValueError:
        values = ", ".join(f"{corner} {element.value(f'bndbox/{corner}')!r}" for corner in CORNERS)
        rows.refuse(location, tr("a corner is missing or not a number: {values}", values=values))
        return
    flags = BoxFlag.NONE
    for tag, flag in FLAGS:
        if element.value(tag) == "1":
            flags |= flag
    class_id = rows.classes.index(element.value("name"))
    rect = (xmin - first_pixel, ymin - first_pixel, xmax, ymax)
    rows.add(location, frame, rect, class_id=class_id, flags=int(flags))


def write(path: Path, data: BoxesToWrite) -> None:
    """A new folder of VOC files, corners as they are: what is read is written. Track ids are not written."""
    texts = corner_texts(data.boxes)
    objects: dict[int, list[str]] = {}
    for row, corners in enumerate(texts):
        flags = int(data.flags[row])
        marks = "".join(f"    <{tag}>{int(bool(flags & flag))}</{tag}>\n" for tag, flag in FLAGS)
        edges = "".join(f"      <{tag}>{text}</{tag}>\n" for tag, text in zip(CORNERS, corners, strict=True))
        objects.setdefault(int(data.frames[row]), []).append(
            f"  <object>\n    <name>{escape(data.class_of(row))}</name>\n    <pose>Unspecified</pose>\n{marks}"
            f"    <bndbox>\n{edges}    </bndbox>\n  </object>\n"
        )
    with atomic_folder(path) as folder:
        for frame, name in written_stems(data).items():
            image = data.image_name(frame, f"{name}.jpg")
            width, height = data.size_of(frame)
            text = (
                f"<annotation>\n  <folder>{escape(path.name)}</folder>\n  <filename>{escape(image)}</filename>\n"
                f"  <size>\n    <width>{width}</width>\n    <height>{height}</height>\n    <depth>3</depth>\n"
                "  </size>\n"
                f"  <segmented>0</segmented>\n{''.join(objects.get(frame, ()))}</annotation>\n"
            )
            file = folder / f"{name}.xml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())


FORMAT = Format(
    key=KEY,
    name=tr("Pascal VOC XML folder"),
    menu_name=tr("Pascal VOC folder"),
    about=tr("A folder with one XML file a frame."),
    kinds=(ImportKind.GROUND_TRUTH,),
    syntaxes=(Syntax.XML,),
    detect=sniff,
    read=read,
    write=write,
    is_folder=True,
    menu_rank=6,
    label_ending=".xml",
    lacks=(Field.TRACK_IDS, Field.SCORES, Field.ATTRIBUTES, Field.KEY_FRAMES),
)
