"""Text in other encodings than UTF-8: recognised by its bytes where that is certain, else named with what it may be."""

from __future__ import annotations

import codecs
import re

from iouviewer.i18n import tr

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NAMES = {
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "gb18030": "GB18030",
    "cp932": "Shift-JIS",
    "cp1252": "Latin-1",
    "latin-1": "Latin-1",
}
"""Names for people."""
_SAMPLE = 1 << 16
_KANA = re.compile("[ぁ-ヿ]")
_HALF_WIDTH = re.compile("[｡-ﾟ]")
_HIGH_RUN = re.compile(r"\w*[^\x00-\x7f]+\w*")
_LATIN_LETTER = re.compile("[À-ÖØ-öø-ÿ]")
_ZERO_SHARE = 0.3


class UnknownEncodingError(ValueError):
    """Text whose encoding is not certain; the message says what it may be."""


def decode_text(data: bytes) -> tuple[str, str]:
    """The text, and the name of its encoding for people; empty for UTF-8.

    Raises:
        UnknownEncodingError: it may be in several encodings, or in none that is known.
    """
    encoding = find_encoding(data)
    try:
        return data.decode(encoding), NAMES.get(encoding, "")
    except UnicodeDecodeError as error:
        raise UnknownEncodingError(tr("the text is damaged: {reason}", reason=error.reason)) from error


def find_encoding(data: bytes) -> str:
    """The codec of a text; UnknownEncodingError as in ``decode_text``."""
    for mark, codec in _BOMS:
        if data.startswith(mark):
            return codec
    if b"\0" in data[:_SAMPLE]:
        return _utf16(data[:_SAMPLE])
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _legacy(data)
    return "utf-8"


def _utf16(sample: bytes) -> str:
    """UTF-16 without a mark: most of its characters are ASCII, so that every other byte is zero."""
    pairs = len(sample) // 2
    even, odd = sample[0 : 2 * pairs : 2].count(0), sample[1 : 2 * pairs : 2].count(0)
    if pairs and odd >= _ZERO_SHARE * pairs and even < odd / 10:
        return "utf-16-le"
    if pairs and even >= _ZERO_SHARE * pairs and odd < even / 10:
        return "utf-16-be"
    raise UnknownEncodingError(tr("the file is no text"))


def _decodes(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def _is_latin_word(word: str) -> bool:
    """Whether a word has accented letters only beside at least as many plain ones, as in European languages."""
    accented = len(_LATIN_LETTER.findall(word))
    plain = sum(one.isascii() and one.isalpha() for one in word)
    others = sum(not one.isascii() for one in word) - accented
    return not others and accented <= plain


def _legacy(data: bytes) -> str:
    """Which of the usual encodings of one or two bytes a text is in.

    Accented letters stand alone beside ASCII letters. GB18030's usual characters (GB 2312) are pairs of high bytes.
    Japanese text has kana; where Shift-JIS gives half-width kana only, the bytes are pairs of another encoding.
    """
    latin, chinese, japanese = (_decodes(data, codec) for codec in ("cp1252", "gb18030", "cp932"))
    has_kana = japanese is not None and bool(_KANA.search(japanese))
    stands_alone = latin is not None and all(map(_is_latin_word, _HIGH_RUN.findall(latin)))
    is_usual = _decodes(data, "gb2312") is not None
    only_half = japanese is not None and not has_kana and bool(_HALF_WIDTH.search(japanese))
    certain = []
    if stands_alone and not has_kana:
        certain.append("cp1252")
    if is_usual and (japanese is None or only_half):
        certain.append("gb18030")
    if has_kana and not is_usual:
        certain.append("cp932")
    if len(certain) == 1:
        return certain[0]
    pairs = (("gb18030", chinese), ("cp932", japanese), ("cp1252", latin))
    possible = [NAMES[codec] for codec, text in pairs if text is not None]
    if latin is not None and possible == [NAMES["cp1252"]] and latin.replace("\n", "").replace("\r", "").isprintable():
        return "cp1252"
    if not possible:
        raise UnknownEncodingError(tr("the text is not UTF-8"))
    raise UnknownEncodingError(tr("the text is not UTF-8; it may be {encodings}", encodings=", ".join(possible)))
