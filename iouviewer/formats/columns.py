"""What the columns of a table mean: guessed from its header, or as a person says (``--columns``, the Open dialog).

A mapping is written ``frame=frame_id,x1=xmin,y1=ymin,x2=xmax,y2=ymax,class=label,units=pixels``: one text for the
command line, the window and its memory. It names every column that is read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from iouviewer.errors import UserError
from iouviewer.i18n import tr

Units = Literal["", "pixels", "relative", "percent"]
UNITS: tuple[Units, ...] = ("pixels", "relative", "percent")


class Role(StrEnum):
    """What one column is."""

    FRAME = "frame"
    IMAGE = "image"
    VIDEO = "video"
    X1, Y1, X2, Y2 = "x1", "y1", "x2", "y2"
    X, Y, CX, CY, W, H = "x", "y", "cx", "cy", "w", "h"
    XYXY, XYWH, CXCYWH = "xyxy", "xywh", "cxcywh"
    CLASS = "class"
    CLASS_ID = "class_id"
    SCORE = "score"
    TRACK = "track"
    IMAGE_WIDTH = "image_width"
    IMAGE_HEIGHT = "image_height"


CORNERS = (Role.X1, Role.Y1, Role.X2, Role.Y2)
EXTENTS = (Role.X, Role.Y, Role.W, Role.H)
CENTRES = (Role.CX, Role.CY, Role.W, Role.H)
LAYOUTS = (CORNERS, EXTENTS, CENTRES, (Role.XYXY,), (Role.XYWH,), (Role.CXCYWH,))
"""The columns that make a box; a single one holds its four numbers."""
ROLE_TEXTS = {
    Role.FRAME: tr("Frame number"),
    Role.IMAGE: tr("Image name"),
    Role.VIDEO: tr("Video name"),
    Role.X1: tr("Left (x1)"),
    Role.Y1: tr("Top (y1)"),
    Role.X2: tr("Right (x2)"),
    Role.Y2: tr("Bottom (y2)"),
    Role.X: tr("Left, with a width (x)"),
    Role.Y: tr("Top, with a height (y)"),
    Role.W: tr("Width"),
    Role.H: tr("Height"),
    Role.CX: tr("Centre (x)"),
    Role.CY: tr("Centre (y)"),
    Role.XYXY: tr("Box: x1, y1, x2, y2"),
    Role.XYWH: tr("Box: x, y, width, height"),
    Role.CXCYWH: tr("Box: centre, width, height"),
    Role.CLASS: tr("Class name"),
    Role.CLASS_ID: tr("Class number"),
    Role.SCORE: tr("Confidence"),
    Role.TRACK: tr("Track ID"),
    Role.IMAGE_WIDTH: tr("Width of the image"),
    Role.IMAGE_HEIGHT: tr("Height of the image"),
}
UNIT_TEXTS: dict[Units, str] = {
    "pixels": tr("Pixels"),
    "relative": tr("Shares of the frame (0 to 1)"),
    "percent": tr("Percent of the frame"),
}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """The column of each role.

    Attributes:
        names: column name by role.
        units: of the coordinates; empty: as the values say.
    """

    names: Mapping[Role, str]
    units: Units = ""

    @property
    def layout(self) -> tuple[Role, ...]:
        """The roles of its box, empty if they are not complete."""
        return next((layout for layout in LAYOUTS if all(role in self.names for role in layout)), ())

    def spec(self) -> str:
        """The mapping as text."""
        parts = [f"{role}={self.names[role]}" for role in Role if role in self.names]
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow([*parts, *([f"units={self.units}"] if self.units else [])])
        return out.getvalue()

    def problem(self) -> str:
        """What is missing before boxes can be read, empty if nothing is."""
        boxes = {role for layout in LAYOUTS for role in layout} & self.names.keys()
        layout = set(self.layout)
        if not layout:
            return tr("no columns for the four numbers of a box")
        if boxes - layout:
            extra = ", ".join(sorted(boxes - layout))
            return tr("more columns for a box than one box has: {roles}", roles=extra)
        if Role.FRAME not in self.names and Role.IMAGE not in self.names:
            return tr("no column for the frame or the image")
        return ""

    def describe(self) -> str:
        """The mapping for people: ``frame ← frame_id; box ← x1, y1, x2, y2 …``."""
        box = ", ".join(self.names[role] for role in self.layout)
        kind = {
            CORNERS: tr("corners"),
            EXTENTS: tr("left, top, width, height"),
            CENTRES: tr("centre, width, height"),
            (Role.XYXY,): tr("corners"),
            (Role.XYWH,): tr("left, top, width, height"),
            (Role.CXCYWH,): tr("centre, width, height"),
        }.get(self.layout, "")
        unit = {"pixels": tr("pixels"), "relative": tr("shares of the frame"), "percent": tr("percent")}.get(
            self.units, ""
        )
        parts = [tr("box ← {columns} ({kind})", columns=box, kind=", ".join(part for part in (kind, unit) if part))]
        others = [role for role in Role if role in self.names and role not in self.layout]
        parts += [f"{ROLE_TEXTS[role]} ← {self.names[role]}" for role in others]
        return "; ".join(parts)


def parse_columns(spec: str) -> ColumnMap:
    """The mapping that a text says.

    Raises:
        UserError: an unknown role or unit, a role twice, or columns that make no box.
    """
    names: dict[Role, str] = {}
    units: Units = ""
    known = ", ".join([*Role, "units"])
    for part in next(csv.reader([spec]), []):
        word, equals, column = (piece.strip() for piece in part.partition("="))
        if word == "units":
            units = next((unit for unit in UNITS if unit == column), "")
            if not units:
                message = tr("--columns: {units!r} is not one of {known}", units=column, known=", ".join(UNITS))
                raise UserError(message)
            continue
        if not equals or not column or word not in list(Role):
            message = tr("--columns: {part!r} is not ROLE=COLUMN", part=part)
            raise UserError(message, remedy=tr("Roles: {known}.", known=known))
        if Role(word) in names:
            raise UserError(tr("--columns: {role} occurs twice", role=word))
        names[Role(word)] = column
    found = ColumnMap(names, units)
    if found.problem():
        raise UserError(tr("--columns: {problem}", problem=found.problem()), remedy=tr("Roles: {known}.", known=known))
    return found


def header_key(names: Sequence[str]) -> str:
    """What a mapping is remembered by: the header, without regard to case and surrounding blanks."""
    return "\t".join(name.strip().casefold() for name in names)


_SIZES = (("width", "height"), ("w", "h"))
_LEFT_TOP = (
    *(("left", "top"), ("xmin", "ymin"), ("x1", "y1"), ("xtl", "ytl"), ("tlx", "tly"), ("minx", "miny")),
    *(("xleft", "ytop"), ("topleftx", "toplefty"), ("xtopleft", "ytopleft")),
)
_CENTRE = (
    *(("xcenter", "ycenter"), ("xcentre", "ycentre"), ("centerx", "centery"), ("centrex", "centrey")),
    *(("xc", "yc"), ("cx", "cy"), ("xmid", "ymid"), ("midx", "midy")),
)
_CORNERS = (
    *(("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"), ("x0", "y0", "x1", "y1")),
    *(("left", "top", "right", "bottom"), ("xtl", "ytl", "xbr", "ybr"), ("tlx", "tly", "brx", "bry")),
    *(("minx", "miny", "maxx", "maxy"), ("xleft", "ytop", "xright", "ybottom")),
    *(("startx", "starty", "endx", "endy"), ("xstart", "ystart", "xend", "yend")),
    ("topleftx", "toplefty", "bottomrightx", "bottomrighty"),
)
_BOXES: tuple[tuple[tuple[str, ...], tuple[tuple[Role, ...], ...]], ...] = (
    *((names, (CORNERS,)) for names in _CORNERS),
    *(((*corner, *size), (EXTENTS,)) for corner in _LEFT_TOP for size in _SIZES),
    *(((*centre, *size), (CENTRES,)) for centre in _CENTRE for size in _SIZES),
    *((("x", "y", *size), (EXTENTS, CENTRES)) for size in _SIZES),
    (("xyxy",), ((Role.XYXY,),)),
    (("xywh",), ((Role.XYWH,),)),
    *(((name,), ((Role.XYWH,), (Role.XYXY,), (Role.CXCYWH,))) for name in ("bbox", "box", "boundingbox", "rect")),
)
"""Names of columns that make a box, and the layouts that they may have."""
_OTHERS: tuple[tuple[Role, tuple[str, ...]], ...] = (
    (
        Role.FRAME,
        ("frame", "frameid", "framenumber", "frameno", "framenum", "framenr", "frameindex", "frameidx", "fr", "fid"),
    ),
    (
        Role.IMAGE,
        (
            *("image", "imageid", "imagename", "imagefile", "imagefilename", "imagepath", "img", "imgid", "imgname"),
            *("imgpath", "filename", "file", "filepath", "path"),
        ),
    ),
    (Role.VIDEO, ("video", "videoid", "videoname", "sequence", "seq", "clip", "sequencename")),
    (
        Role.CLASS,
        (
            *("class", "classname", "label", "labelname", "category", "categoryname", "objectclass", "objecttype"),
            *("classlabel", "type"),
        ),
    ),
    (Role.CLASS_ID, ("classid", "cls", "clsid", "labelid", "categoryid", "classindex", "classidx", "classnumber")),
    (
        Role.SCORE,
        ("score", "scores", "confidence", "conf", "probability", "prob", "certainty", "confidencescore"),
    ),
    (
        Role.TRACK,
        (
            *("trackid", "track", "trackerid", "tid", "objectid", "objid", "instanceid", "targetid", "trajectoryid"),
            *("identity", "personid", "vehicleid"),
        ),
    ),
    (Role.IMAGE_WIDTH, ("imagewidth", "imgwidth", "imgw", "imagew", "framewidth", "originalwidth")),
    (Role.IMAGE_HEIGHT, ("imageheight", "imgheight", "imgh", "imageh", "frameheight", "originalheight")),
)
_PREFIX = re.compile(r"(?:boundingbox|bndbox|bbox|box|bb|rect|roi)")


@dataclass(frozen=True, slots=True)
class Guess:
    """What a header seems to mean.

    Attributes:
        maps: the readings, the likeliest first; several where the names do not settle it, none without a box.
        row_id: a column ``id``, a track or a row by its values; empty for none.
        double: names that two columns have alike, so that one of them must be chosen.
    """

    maps: tuple[ColumnMap, ...] = ()
    row_id: str = ""
    double: tuple[str, ...] = ()


def guess_columns(header: Sequence[str]) -> Guess:
    """What the names of columns say; the values are for ``table`` to judge."""
    plain = [re.sub(r"[^0-9a-z]", "", name.casefold()) for name in header]
    by_name: dict[str, list[str]] = {}
    for name, word in zip(header, plain, strict=True):
        by_name.setdefault(word, []).append(name)
    of_box: dict[str, list[str]] = {word: list(names) for word, names in by_name.items()}
    for name, word in zip(header, plain, strict=True):
        short = _PREFIX.sub("", word, count=1) if _PREFIX.match(word) else ""
        if short and short not in by_name:
            of_box.setdefault(short, []).append(name)
    words, layouts = next(
        ((words, found) for words, found in _BOXES if all(word in of_box for word in words)), ((), ())
    )
    if not layouts:
        return Guess()
    double = [of_box[word] for word in words if len(of_box[word]) > 1]
    taken = {of_box[word][0] for word in words}
    others: dict[Role, str] = {}
    for role, known in _OTHERS:
        columns = [name for word in known for name in by_name.get(word, []) if name not in taken]
        if columns:
            others[role] = columns[0]
            taken.add(columns[0])
            double += [by_name[word] for word in known if len(by_name.get(word, [])) > 1]
    if len(words) == 1 or layouts[0] == CORNERS:
        # Beside corners, width and height are those of the image.
        for role, word in ((Role.IMAGE_WIDTH, "width"), (Role.IMAGE_HEIGHT, "height")):
            if role not in others and word in by_name and by_name[word][0] not in taken:
                others[role] = by_name[word][0]
    if not {Role.IMAGE_WIDTH, Role.IMAGE_HEIGHT} <= others.keys():
        others = {role: name for role, name in others.items() if role not in {Role.IMAGE_WIDTH, Role.IMAGE_HEIGHT}}
    row_id = by_name.get("id", [""])[0] if Role.TRACK not in others else ""
    maps = []
    for layout in layouts:
        columns = [of_box[word][0] for word in words]
        maps.append(ColumnMap({**others, **dict(zip(layout, columns, strict=True))}))
    return Guess(tuple(maps), row_id, tuple(name for names in double for name in names))


def find_columns(found: ColumnMap, header: Iterable[str]) -> ColumnMap:
    """The mapping in the spelling of a header: names are compared without regard to case.

    Raises:
        UserError: the table has no such column.
    """
    names = list(header)
    result = {}
    for role, wanted in found.names.items():
        exact = [name for name in names if name == wanted] or [
            name for name in names if name.strip().casefold() == wanted.strip().casefold()
        ]
        if len(exact) != 1:
            message = (
                tr("two columns are named {name!r}", name=wanted)
                if exact
                else tr("no column is named {name!r}", name=wanted)
            )
            raise UserError(message, remedy=tr("Columns: {names}.", names=", ".join(names)))
        result[role] = exact[0]
    return replace(found, names=result)
