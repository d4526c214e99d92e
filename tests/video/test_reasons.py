"""Reasons are stored as fixed English values and shown as translated text."""

from __future__ import annotations

import hashlib
import string

import pytest

from iouviewer.video import reasons
from iouviewer.video.index import Damage

TEMPLATES = {name: value for name, value in vars(reasons).items() if name.isupper() and not name.startswith("_")}


def fill(template: str) -> str:
    values = {"codec": "vp9", "announced": 1200, "packets": 1100, "detail": "Invalid data (3) found"}
    names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
    return template.format(**{name: values[name] for name in names})


def test_stored_values_never_change():
    stored = "\n".join(sorted(TEMPLATES.values()))
    assert len(TEMPLATES) == 20
    assert hashlib.sha256(stored.encode()).hexdigest()[:16] == "ff2b42c81e4a29b5", (
        "index caches of earlier versions hold them"
    )


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_reason_has_a_text_in_the_terms_of_the_window(name):
    text = reasons.describe(fill(TEMPLATES[name]))
    assert text and "picture" not in text and "key frame" not in text and "{" not in text


def test_values_of_a_reason_appear_in_its_text():
    assert "1,200" in reasons.describe(fill(reasons.FRAME_COUNT_DIFFERS))
    assert reasons.describe(fill(reasons.HIDDEN_FRAMES)).startswith("vp9 ")
    damage = Damage(3, fill(reasons.UNDECODABLE_BECAUSE))
    assert damage.description == "this frame cannot be decoded (Invalid data (3) found)"


def test_an_unknown_reason_is_shown_unchanged():
    assert reasons.describe("something else") == "something else"
