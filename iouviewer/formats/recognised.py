"""Formats that are recognised and not read: a file is named, with what to do instead, and never taken for another."""

from __future__ import annotations

from collections.abc import Callable

from iouviewer.document.imported import ImportKind
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.interface import DetectedFormat
from iouviewer.i18n import tr

AS_COCO = tr("Export it as COCO JSON.")
AS_TABLE = tr("Convert it to a CSV table, or to COCO JSON.")
_Rule = Callable[[FileSample], bool]


def _keys(*names: str) -> _Rule:
    return lambda sample: sample.has_keys(*names)


def _starts(*heads: bytes) -> _Rule:
    return lambda sample: sample.head.startswith(heads)


def _named(key: str, name: str, syntax: Syntax, rule: _Rule, advice: str = AS_COCO) -> Format:
    def detect(sample: FileSample) -> DetectedFormat | None:
        return DetectedFormat(key, ImportKind.UNKNOWN, 0.9, name) if rule(sample) else None

    return Format(key=key, name=name, syntaxes=(syntax,), detect=detect, menu_rank=95, detect_rank=-1, advice=advice)


def _is_darwin(sample: FileSample) -> bool:
    new = sample.has_keys("item", "slots") or "darwin" in sample.text[:2000]
    return sample.has_keys("annotations") and (new or sample.has_keys("dataset", "image", "bounding_box"))


def _is_tfrecord(sample: FileSample) -> bool:
    return sample.path.suffix.lower() in (".tfrecord", ".tfrecords", ".record") or ".tfrecord-" in sample.path.name


FORMATS = (
    _named("darwin", tr("V7 Darwin JSON"), Syntax.JSON, _is_darwin),
    _named("supervisely", tr("Supervisely JSON"), Syntax.JSON, _keys("classTitle")),
    _named("superannotate", tr("SuperAnnotate JSON"), Syntax.JSON, _keys("metadata", "instances", "className")),
    _named("labelbox", tr("Labelbox export"), Syntax.JSON, _keys("data_row", "projects")),
    _named("encord", tr("Encord JSON"), Syntax.JSON, _keys("label_hash", "data_units")),
    _named("via3", tr("VIA 3 JSON (video)"), Syntax.JSON, _keys("vid_list", "xy")),
    _named("createml", tr("Create ML JSON"), Syntax.JSON, _keys("coordinates", "image", "label")),
    _named("sagemaker", tr("SageMaker Ground Truth manifest"), Syntax.JSON, _keys("source-ref")),
    _named("nuscenes", tr("nuScenes table"), Syntax.JSON, _keys("sample_token", "translation")),
    _named("fiftyone", tr("FiftyOne samples"), Syntax.JSON, _keys("samples", "_cls")),
    _named("tfrecord", tr("TFRecord"), Syntax.BINARY, _is_tfrecord, AS_TABLE),
    _named("matlab", tr("MATLAB file"), Syntax.BINARY, _starts(b"MATLAB 5.0 MAT-file"), AS_TABLE),
    _named("hdf5", tr("HDF5 file"), Syntax.BINARY, _starts(b"\x89HDF\r\n\x1a\n"), AS_TABLE),
    _named("numpy", tr("NumPy file"), Syntax.BINARY, _starts(b"\x93NUMPY"), AS_TABLE),
    _named("pickle", tr("Python pickle"), Syntax.BINARY, _starts(b"\x80\x03", b"\x80\x04", b"\x80\x05"), AS_TABLE),
    _named("sqlite", tr("SQLite database"), Syntax.BINARY, _starts(b"SQLite format 3"), AS_TABLE),
)
