"""The time left of a review."""

from __future__ import annotations

from iouviewer.document.review_pace import MIN_DECISIONS, ReviewPace


def test_the_estimate_is_the_median_of_the_last_times_and_comes_after_five_decisions() -> None:
    pace = ReviewPace()
    now = 100.0
    pace.start(now)
    for seconds in (1.0, 2.0, 3.0, 50.0):
        now += seconds
        pace.decide(now)
    assert pace.seconds_left(10) is None
    pace.decide(now + 4.0)
    assert MIN_DECISIONS == 5
    assert pace.seconds_left(10) == 30.0
    assert pace.seconds_left(0) == 0.0


def test_a_decision_for_several_problems_shares_its_time() -> None:
    pace = ReviewPace()
    pace.start(0.0)
    pace.decide(10.0, count=10)
    assert pace.seconds_left(7) == 7.0


def test_pauses_and_decisions_outside_the_review_do_not_count() -> None:
    pace = ReviewPace()
    pace.decide(5.0, count=9)
    pace.start(10.0)
    pace.decide(5_000.0, count=9)
    assert pace.seconds_left(3) is None
    pace.stop()
    pace.decide(6_000.0, count=9)
    assert pace.seconds_left(3) is None
