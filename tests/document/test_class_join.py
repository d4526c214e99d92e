"""Classes are joined by the user, by name or by the ground truth's own numbers; never by position or count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document.class_join import UNKNOWN, check_class_map, join_classes, keeps_unknown_classes
from iouviewer.document.class_lists import COCO_CATEGORIES
from iouviewer.document.class_proposals import propose_class
from iouviewer.document.classes import OTHER_CLASSES, ClassTable, NumberKind, class_name_of
from iouviewer.errors import UserError
from iouviewer.metrics.coco import evaluate_coco
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable

INDEX, CATEGORY, MOT = NumberKind.INDEX, NumberKind.CATEGORY, NumberKind.MOT
COCO_NAMES = tuple(COCO_CATEGORIES.values())


def named(*names, numbers=None, kind=NumberKind.NONE):
    return ClassTable.of(names, numbers, kind)


def numbered(kind, *numbers):
    return ClassTable.of(map(str, numbers), numbers, kind, named=False)


def joined(predicted, truth, **options):
    """Names of the ground truth's classes by name of the predictions' classes; None for unknown ones."""
    found = join_classes(predicted, truth, **options)
    return {
        name: None if target == UNKNOWN else truth.names[target]
        for name, target in zip(predicted.names, found.targets, strict=True)
    }


COCO_GT = named("person", "car", numbers=(1, 3), kind=CATEGORY)
GAPLESS_GT = named("person", "car", numbers=(1, 2), kind=CATEGORY)
ODD_GT = named("valve", "pump", numbers=(1, 7), kind=CATEGORY)
WHOLE_COCO_GT = named(*COCO_NAMES, numbers=tuple(COCO_CATEGORIES), kind=CATEGORY)
YAML_GT = named("person", "bicycle", "car", numbers=(0, 1, 2), kind=INDEX)
WHOLE_COCO_YAML = named(*COCO_NAMES, numbers=tuple(range(80)), kind=INDEX)
MOT_GT = named("pedestrian", "car", numbers=(1, 3), kind=MOT)
CERTAIN = {
    "names ignore case and blanks": (
        named(" Person", "CAR"),
        named("car", "person"),
        {" Person": "person", "CAR": "car"},
    ),
    "names before numbers": (
        named("car", "person", numbers=(0, 1), kind=INDEX),
        YAML_GT,
        {"car": "car", "person": "person"},
    ),
    "own category ids": (numbered(CATEGORY, 1, 2), GAPLESS_GT, {"1": "person", "2": "car"}),
    "category ids with gaps": (numbered(CATEGORY, 1, 7, 9), ODD_GT, {"1": "valve", "7": "pump", "9": None}),
    "category ids from 0": (
        numbered(CATEGORY, 0, 1),
        named("a", "b", numbers=(0, 1), kind=CATEGORY),
        {"0": "a", "1": "b"},
    ),
    "category ids in another order": (
        numbered(CATEGORY, 1, 2),
        named("b", "a", numbers=(2, 1), kind=CATEGORY),
        {"1": "a", "2": "b"},
    ),
    "label folder and data.yaml": (numbered(INDEX, 2), YAML_GT, {"2": "car"}),
    "one number is a class": (numbered(INDEX, 1), YAML_GT, {"1": "bicycle"}),
    "one number on both sides": (numbered(INDEX, 1), numbered(INDEX, 0), {"1": None}),
    "two label folders": (numbered(INDEX, 0, 2), numbered(INDEX, 0), {"0": "0", "2": None}),
    "label folder and gapless category ids": (numbered(INDEX, 0, 1), GAPLESS_GT, {"0": "person", "1": "car"}),
    "label folder and COCO's 91": (numbered(INDEX, 0, 11, 79), WHOLE_COCO_GT,
                                   {"0": "person", "11": "stop sign", "79": "toothbrush"}),
    "COCO's 80 and a part of the 91": (numbered(INDEX, 0, 2, 24), COCO_GT, {"0": "person", "2": "car", "24": None}),
    "COCO's 80 as category ids": (numbered(CATEGORY, 0, 2), COCO_GT, {"0": "person", "2": "car"}),
    "COCO's 91 and a data.yaml of 80": (numbered(CATEGORY, 1, 13, 90), WHOLE_COCO_YAML,
                                        {"1": "person", "13": "stop sign", "90": "toothbrush"}),
    "COCO's 80 as category ids and a data.yaml": (numbered(CATEGORY, 0, 12), WHOLE_COCO_YAML,
                                                  {"0": "person", "12": "parking meter"}),
    "category ids from 1 and a data.yaml": (numbered(CATEGORY, 1, 3), YAML_GT, {"1": "person", "3": "car"}),
    "category ids from 0 and a data.yaml": (numbered(CATEGORY, 0, 2), YAML_GT, {"0": "person", "2": "car"}),
    "category id 1 and label 0": (numbered(CATEGORY, 1), numbered(INDEX, 0), {"1": "0"}),
    "label folder and MOT": (numbered(INDEX, 0, 2), MOT_GT, {"0": "pedestrian", "2": "car"}),
    "a model and a label folder": (
        named("person", "car", numbers=(0, 1), kind=INDEX),
        numbered(INDEX, 1),
        {"person": None, "car": "1"},
    ),
    "COCO's 91 show themselves": (numbered(CATEGORY, 1, 90), named("toothbrush", "person"),
                                  {"1": "person", "90": "toothbrush"}),
    "runtimes without names": (ClassTable.of(("class0", "class1"), (0, 1), INDEX), YAML_GT,
                               {"class0": "person", "class1": "bicycle"}),
    "MOT numbers count from 1, those of a model from 0": (
        named("person", "bicycle", numbers=(0, 1), kind=INDEX), numbered(MOT, 1), {"person": "1", "bicycle": None}
    ),
    "synonyms are only proposed": (named("person"), named("pedestrian"), {"person": None}),
}  # fmt: skip


@pytest.mark.parametrize("case", CERTAIN)
def test_what_is_certain_is_joined(case):
    predicted, truth, expected = CERTAIN[case]
    assert joined(predicted, truth) == expected
    assert not join_classes(predicted, truth).problem


UNCERTAIN = {
    "names without numbers": (numbered(INDEX, 0), named("person"), ["0", "person"]),
    "a results list and names without numbers": (numbered(CATEGORY, 1, 2), named("person", "car"), ["1", "person"]),
    "names against numbers": (named("person"), numbered(INDEX, 0), ["0", "person"]),
    "ids from 0 or from 1": (numbered(CATEGORY, 1), YAML_GT, ["bicycle", "person"]),
    "ids with gaps": (numbered(INDEX, 1), ODD_GT, ["valve", "pump"]),
    "category ids from 0 against from 1": (numbered(CATEGORY, 0, 1), named("a", "b", numbers=(1, 2), kind=CATEGORY),
                                           ["no class", "as a"]),
}  # fmt: skip


@pytest.mark.parametrize("case", UNCERTAIN)
def test_what_can_be_read_in_two_ways_joins_nothing_and_names_both(case):
    predicted, truth, words = UNCERTAIN[case]
    found = join_classes(predicted, truth)
    assert set(found.targets) == {UNKNOWN}
    assert all(word in found.problem for word in words), found.problem
    assert "--class-map" in found.remedy


@pytest.mark.parametrize("case", UNCERTAIN)
def test_a_class_map_settles_what_is_uncertain(case):
    predicted, truth, _ = UNCERTAIN[case]
    class_map = dict.fromkeys(predicted.names, truth.names[0])
    found = join_classes(predicted, truth, class_map)
    assert (set(found.targets), found.problem) == ({0}, "")


def test_numbers_without_boxes_do_not_make_a_reading_uncertain():
    predicted = numbered(CATEGORY, 1, 2, 3)
    assert join_classes(predicted, YAML_GT, used=[2]).targets[2] == 2
    assert join_classes(predicted, YAML_GT, used=[0]).problem


def test_a_class_map_takes_names_and_numbers_and_comes_first():
    truth = named("person", "car", numbers=(1, 3), kind=CATEGORY)
    assert joined(named("car", "van"), truth, class_map={"VAN": "3", "car": "Person"}) == {
        "car": "person",
        "van": "car",
    }
    assert joined(numbered(INDEX, 5), truth, class_map={"5": "car"}) == {"5": "car"}


def test_a_class_map_of_unknown_classes_is_refused():
    truth = named("person")
    check_class_map({"human": "PERSON"}, [named("human"), named("car")], truth)
    with pytest.raises(UserError, match="no prediction has class 'humn'"):
        check_class_map({"humn": "person"}, [named("human")], truth)
    with pytest.raises(UserError, match="the ground truth has no class 'persn'"):
        check_class_map({"human": "persn"}, [named("human")], truth)


@pytest.mark.parametrize(
    ("name", "names", "expected"),
    [
        ("person", ["car", "pedestrian"], 1),
        ("Persons", ["car", "person"], 1),
        ("traffic_light", ["Traffic Light"], 0),
        ("motorbike", ["motorcycle", "bicycle"], 0),
        ("pedestrain", ["pedestrian"], 0),
        ("vehicle", ["person", "car"], 1),
        ("car", ["cat"], None),
        ("dog", ["person"], None),
        ("bicycle", ["motorcycle"], None),
    ],
)
def test_proposals(name, names, expected):
    assert propose_class(name, names) == expected


def test_proposals_are_part_of_the_join():
    assert join_classes(named("person", "dog"), named("pedestrian")).proposals == {0: "pedestrian"}


def table(rows, frame_count=3, **columns):
    """Rows are (frame, class id, x)."""
    frames, ids, lefts = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0, int),) * 3
    lefts = lefts.astype(float)
    boxes = np.stack([lefts, lefts, lefts + 10, lefts + 10])
    return BoxTable.from_rows(frames, boxes, frame_count=frame_count, class_ids=ids, **columns)


def test_unknown_classes_are_left_out_or_kept_under_an_id_of_their_own():
    found = join_classes(named("car", "dog", "person"), named("person", "car"))
    raw = table([(0, 0, 0), (0, 1, 20), (1, 2, 0), (2, -1, 0)], ids=np.array([4, 5, 6, 7]))
    left = found.apply(raw, keep_unknown=False)
    assert left.class_ids.tolist() == [1, 0, UNSPECIFIED_CLASS]
    assert left.ids.tolist() == [4, 6, 7]
    kept = found.apply(raw, keep_unknown=True)
    assert kept.class_ids[1] >= OTHER_CLASSES
    assert class_name_of(int(kept.class_ids[1]), ("person", "car")) == "dog"
    assert [class_name_of(i, ("person", "car")) for i in kept.class_ids[[0, 3]].tolist()] == ["car", ""]
    other = join_classes(named("Dog"), named("person")).other_ids
    assert other == (kept.class_ids[1],)
    assert join_classes(named("a", "b"), named("a", "b")).apply(raw.select(raw.class_ids < 2), keep_unknown=False)


def test_unknown_classes_stay_where_a_box_may_be_theirs():
    whole, partly = table([(0, 0, 0)]), table([(0, 0, 0), (1, -1, 0)])
    ignored = table([(0, 0, 0), (1, -1, 0)], ignored=np.array([False, True]))
    labelled = np.ones(whole.frame_count, np.bool_)
    assert not keeps_unknown_classes(["a"], partly, labelled & (np.arange(len(labelled)) != 1), class_agnostic=False)
    assert not keeps_unknown_classes(["a"], whole, labelled, class_agnostic=False)
    assert not keeps_unknown_classes(["a"], ignored, labelled, class_agnostic=False)
    assert keeps_unknown_classes(["a"], partly, labelled, class_agnostic=False)
    assert keeps_unknown_classes(["a"], whole, labelled, class_agnostic=True)
    assert keeps_unknown_classes([], table([(0, -1, 0)]), labelled, class_agnostic=False)


BOXES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=12)
NAMES = ("person", "Traffic light", "dog", "valve")


ORDERS = st.permutations(range(4))
NUMBERS = st.lists(st.integers(0, 99), min_size=4, max_size=4, unique=True)


@given(truth=BOXES, predicted=BOXES, one=ORDERS, other=ORDERS, numbers=NUMBERS, upper=st.booleans())
def test_order_numbers_and_case_of_class_tables_never_change_the_scores(truth, predicted, one, other, numbers, upper):
    def scores(truth_order, predicted_order, truth_table, predicted_table):
        gt = table([(frame, truth_order.index(c), x) for frame, c, x in truth])
        pred = table([(frame, predicted_order.index(c), x) for frame, c, x in predicted])
        pred = join_classes(predicted_table, truth_table).apply(pred, keep_unknown=False)
        coco, review = evaluate_coco(gt, pred), review_all(gt, pred, ReviewSettings()).summary()
        aps = sorted((truth_order[c], round(found.ap, 12)) for c, found in coco.per_class.items())
        return aps, review.tp, review.fp, review.fn, len(pred)

    identity = list(range(4))
    wanted = scores(identity, identity, ClassTable.of(NAMES), ClassTable.of(NAMES))
    cased = [NAMES[c].upper() if upper else NAMES[c] for c in other]
    truth_table = ClassTable.of([NAMES[c] for c in one], [numbers[c] for c in one], CATEGORY)
    assert scores(list(one), list(other), truth_table, ClassTable.of(cased, numbers, INDEX)) == wanted
    results = ClassTable.of([str(numbers[c]) for c in other], [numbers[c] for c in other], CATEGORY, named=False)
    assert scores(list(one), list(other), truth_table, results) == wanted
