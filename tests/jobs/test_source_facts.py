"""Sources whose boxes are gone again are judged like sources in memory."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.jobs.compare import Pool, compare_pooled
from iouviewer.jobs.eval_inputs import ReadOptions
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.gate import GateStatus, GateVideo, UnreadVideo, gate_files, judge
from iouviewer.jobs.judge import Names, judge_all
from iouviewer.jobs.source_facts import PartialStore, store_facts
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from tests.jobs.test_compare import FRAMES, comparison, predictions_of, truth_of


def _world(seed: int, videos: int):
    """Comparisons with floors, limits, classes and covered frames of all kinds."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(videos):
        truth = truth_of(seed + number)
        sides = []
        for side in range(2):
            known = {}
            if random.random() < 0.3:
                known["class_ids"] = np.full(len(truth), UNSPECIFIED_CLASS)
            if random.random() < 0.3:
                known["covered"] = np.arange(FRAMES) >= random.integers(1, 30)
            if random.random() < 0.2:
                known["has_scores"] = False
            floor = float(random.choice([0.001, 0.5]))
            sides.append(predictions_of(truth, 3.0 + 3 * side, seed=seed + side, floor=floor, **known))
        found.append(comparison(truth, *sides, class_names=("a", "b")))
    return found


def _said(pool: Pool, videos: int):
    names = Names({"base": "base", "other": "other"}, [f"v{number}" for number in range(videos)])
    [judged] = judge_all(pool, names)
    return judged


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from([0, 1 << 40]))
def test_stored_sources_are_judged_like_sources_in_memory(seed: int, videos: int, in_memory: int) -> None:
    world = _world(seed, videos)
    with PartialStore(in_memory) as store:
        stored = Pool([store_facts(one, store, lambda one=one: one) for one in world])
        found, expected = _said(stored, videos), _said(Pool(world), videos)

        assert found.judgement == expected.judgement
        assert (found.compared is None) == (expected.compared is None)
        if found.compared is not None and expected.compared is not None:
            assert replace(found.compared, verdict=expected.compared.verdict) == expected.compared
            for one, other in zip(
                found.compared.verdict.differences, expected.compared.verdict.differences, strict=True
            ):
                values = ((d.points, d.low, d.high) for d in (one, other))
                assert next(values) == pytest.approx(next(values), abs=1e-12, nan_ok=True)


def test_boxes_are_read_again_only_where_another_source_has_boxes_without_a_class() -> None:
    truth = truth_of()
    plain = comparison(truth, predictions_of(truth, 2.0), predictions_of(truth, 4.0), class_names=("a", "b"))
    blank = np.full(len(truth), UNSPECIFIED_CLASS)
    classless = comparison(
        truth,
        predictions_of(truth, 2.0, class_ids=blank),
        predictions_of(truth, 4.0, class_ids=blank),
        class_names=("a", "b"),
    )
    read = []

    def again():
        read.append(1)
        return plain

    with PartialStore() as store:
        assert compare_pooled(Pool([store_facts(plain, store, again)] * 2), "other") is not None
        assert read == []
        mixed = Pool([store_facts(plain, store, again), store_facts(classless, store, lambda: classless)])
        found = compare_pooled(mixed, "other")
    assert read == [1]
    expected = compare_pooled(Pool([plain, classless]), "other")
    assert found.verdict.differences == expected.verdict.differences


def test_the_baseline_is_scored_once_for_variants_with_the_same_conditions() -> None:
    truth = truth_of()
    world = comparison(truth, predictions_of(truth, 2.0), predictions_of(truth, 4.0), class_names=("a", "b"))
    world = replace(world, variants={**world.variants, "third": predictions_of(truth, 6.0, seed=3)})
    with PartialStore() as store:
        stored = store_facts(world, store, lambda: world)

    assert stored.scored["other"][0] is stored.scored["third"][0]


def test_partials_beyond_the_limit_lie_in_a_folder_that_goes_with_the_store() -> None:
    truth = truth_of()
    world = comparison(truth, predictions_of(truth, 2.0), predictions_of(truth, 4.0), class_names=("a", "b"))
    with PartialStore(in_memory=0) as store:
        stored = store_facts(world, store, lambda: world)
        folder = store.folder
        assert folder is not None and len(list(folder.iterdir())) == 2
        assert stored.scored["other"][0]().frames == FRAMES
    assert not folder.exists()


def test_a_gate_has_one_video_in_memory_at_a_time_and_tells_which(tmp_path) -> None:
    alive: list[weakref.ref] = []
    told = []

    def read(number: int) -> GateVideo:
        gc.collect()
        assert [ref for ref in alive if ref() is not None] == []
        rows = [f"{frame},{10 + 3 * number},10,40,50,person,0.9\n" for frame in range(40)]
        for name in ("base", "other"):
            (tmp_path / f"{name}{number}.csv").write_text("frameID,x1,y1,x2,y2,class,score\n" + "".join(rows))
        (tmp_path / f"gt{number}.csv").write_text(
            "frameID,x1,y1,x2,y2,class\n" + "".join(row.rsplit(",", 1)[0] + "\n" for row in rows)
        )
        options = ReadOptions(size=(100, 100), frame_count=40)
        preds = tuple((name, tmp_path / f"{name}{number}.csv") for name in ("base", "other"))
        video = gate_files(f"v{number}", EvalRequest(None, tmp_path / f"gt{number}.csv", preds, read=options))
        alive.append(weakref.ref(video.inputs))
        return video

    request = EvalRequest(None, None)
    videos = [UnreadVideo(f"v{number}", request, partial(read, number)) for number in range(3)]
    result = judge(videos, {"ap": 1.0, "pq": 1.0}, lambda done, total, label="": told.append(label))

    assert result.status is GateStatus.PASS and len(alive) == 3
    assert told == ["scoring v0", "scoring v1", "scoring v2", "judging other"]
    assert [row.name for row in result.judgements[0].videos] == ["v0", "v1", "v2"]
