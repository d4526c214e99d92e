"""Which class of the ground truth an unknown class may mean: a proposal for a person, never applied silently."""

from __future__ import annotations

from collections.abc import Sequence

from iouviewer.document.classes import fold_name

SYNONYMS: tuple[tuple[str, ...], ...] = (
    ("person", "pedestrian", "people", "human", "walker", "persons", "player"),
    ("car", "vehicle", "automobile", "auto", "passenger car"),
    ("motorcycle", "motorbike", "motor", "moto"),
    ("bicycle", "bike", "cycle", "pedal cycle"),
    ("rider", "cyclist", "person on vehicle"),
    ("truck", "lorry"),
    ("bus", "coach"),
    ("van", "minivan"),
    ("airplane", "aeroplane", "plane", "aircraft"),
    ("boat", "ship", "vessel", "watercraft"),
    ("train", "tram", "railway"),
    ("traffic light", "traffic signal", "trafficlight"),
    ("traffic sign", "sign"),
    ("tv", "tvmonitor", "tv monitor", "television", "monitor"),
    ("couch", "sofa"),
    ("dining table", "diningtable", "table"),
    ("potted plant", "pottedplant"),
    ("cell phone", "mobile phone", "cellphone", "phone"),
    ("hair drier", "hair dryer"),
    ("donut", "doughnut"),
    ("dog", "hound"),
    ("cow", "cattle"),
    ("helmet", "hard hat", "hardhat"),
    ("head", "face"),
)
"""Names that data sets of this field use for the same thing; data only, never translated."""
_MIN_LETTERS = 4
"""Shorter names are not compared letter by letter: ``car`` and ``cat``."""


def propose_class(name: str, truth_names: Sequence[str]) -> int | None:
    """The class of the ground truth that ``name`` may mean, None where nothing is near.

    The order: the same letters without separators and plural, a synonym, one or two letters that differ.
    """
    mine = _plain(name)
    plain = [_plain(other) for other in truth_names]
    if mine in plain:
        return plain.index(mine)
    group = next((words for words in SYNONYMS if mine in map(_plain, words)), ())
    found = [number for number, other in enumerate(plain) if other in set(map(_plain, group))]
    if found:
        # The group is ordered by how usual a word is.
        words = [_plain(word) for word in group]
        return min(found, key=lambda number: words.index(plain[number]))
    if len(mine) < _MIN_LETTERS:
        return None
    near = [(_distance(mine, other), number) for number, other in enumerate(plain) if len(other) >= _MIN_LETTERS]
    limit = 1 if len(mine) < 2 * _MIN_LETTERS else 2
    best = min(near, default=(limit + 1, -1))
    return best[1] if best[0] <= limit else None


def _plain(name: str) -> str:
    """Letters and digits only, without a plural s."""
    letters = "".join(char for char in fold_name(name) if char.isalnum())
    return letters[:-1] if len(letters) >= _MIN_LETTERS and letters.endswith("s") and letters[-2] != "s" else letters


def _distance(one: str, other: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]
