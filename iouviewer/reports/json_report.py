"""Results as JSON: the same input, seed and version give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def json_bytes(values: Mapping[str, Any]) -> bytes:
    """Indented UTF-8 JSON, keys sorted, a line end at the end; NaN and None are null."""
    import orjson

    options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    return orjson.dumps(values, option=options)
