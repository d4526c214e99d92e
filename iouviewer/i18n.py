"""Translates all user-visible texts without Qt; the window, the command line and scripts share one catalogue.

The English text is the key. A translation is a GNU gettext catalogue at
``resources/locale/LANGUAGE/LC_MESSAGES/iouviewer.mo``; the language follows the environment (LANGUAGE, LC_ALL,
LC_MESSAGES, LANG) and is read once, when the first text is needed.
"""

from __future__ import annotations

import functools
import gettext
import re
from pathlib import Path

DOMAIN = "iouviewer"
_SURROGATE = re.compile("[\ud800-\udfff]")
_PACKAGE = Path(__file__).resolve().parent


@functools.cache
def catalogue() -> gettext.NullTranslations:
    """The translations for this process; English where there are none for its language."""
    for root in (_PACKAGE / "resources", _PACKAGE.parent / "resources"):
        folder = root / "locale"
        if gettext.find(DOMAIN, str(folder)) is not None:
            return gettext.translation(DOMAIN, str(folder))
    return gettext.NullTranslations()


def tr(text: str, /, **values: object) -> str:
    """A text in the user's language.

    Args:
        text: the English text, a plain literal (never an f-string), with named placeholders such as ``{frame:,}``.
        values: by the placeholders' names. Without any, braces in the text are ordinary characters.
    """
    translated = catalogue().gettext(text)
    return _filled(translated, text, values) if values else translated


def tr_n(one: str, many: str, count: int, /, **values: object) -> str:
    """A text that depends on a count: ``tr_n("{count} box", "{count:,} boxes", n)``.

    Args:
        one: the English text for a count of 1.
        many: the English text for all other counts.
        count: selects the form; also the value of the placeholder ``{count}``.
        values: further values by the placeholders' names.
    """
    translated = catalogue().ngettext(one, many, count)
    return _filled(translated, one if count == 1 else many, {"count": count, **values})


def _filled(translated: str, english: str, values: dict[str, object]) -> str:
    try:
        return translated.format(**values)
    except (KeyError, IndexError, ValueError):
        if translated == english:
            raise
        return english.format(**values)  # a placeholder was mistyped in the catalogue: English says at least the facts


def legible(text: str) -> str:
    """The text in Unicode: bytes of a file name that are not UTF-8, which Python keeps as surrogates, become �."""
    return _SURROGATE.sub("\ufffd", text)
