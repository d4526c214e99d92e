"""Clips that are made once a session, when a test first asks for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.video.awkward import clips_in, sequential


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Path of a clip by its name in ``awkward.MAKERS`` or ``awkward.BROKEN``."""
    return clips_in(tmp_path_factory.mktemp("awkward"))


@pytest.fixture(scope="session")
def decoded(clip: Callable[[str], Path]) -> Callable[[str], tuple[list[np.ndarray], list[tuple[int, int]]]]:
    """A clip's pictures and (time stamp, occurrence) in a plain single-threaded decode, by name."""
    known: dict[str, tuple[list[np.ndarray], list[tuple[int, int]]]] = {}

    def decode(name: str) -> tuple[list[np.ndarray], list[tuple[int, int]]]:
        if name not in known:
            known[name] = sequential(clip(name))
        return known[name]

    return decode


@pytest.fixture
def truth(decoded) -> Callable[[str], list[np.ndarray]]:
    """A clip's pictures in a plain single-threaded decode, by name."""
    return lambda name: decoded(name)[0]


@pytest.fixture
def stamps(decoded) -> Callable[[str], list[tuple[int, int]]]:
    """The (time stamp, occurrence) of ``truth``."""
    return lambda name: decoded(name)[1]
