"""Clips built once per session, on first use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.video.clip_builder import clip_factory, decode_sequentially


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Path of a clip by its name in ``clip_builder.EDGE_CASES`` or ``clip_builder.DAMAGED_CLIPS``."""
    return clip_factory(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def decoded(clip: Callable[[str], Path]) -> Callable[[str], tuple[list[np.ndarray], list[tuple[int, int]]]]:
    """A clip's frames and their (PTS, occurrence) from a plain single-threaded decode, by name."""
    known: dict[str, tuple[list[np.ndarray], list[tuple[int, int]]]] = {}

    def decode(name: str) -> tuple[list[np.ndarray], list[tuple[int, int]]]:
        if name not in known:
            known[name] = decode_sequentially(clip(name))
        return known[name]

    return decode


@pytest.fixture
def truth(decoded) -> Callable[[str], list[np.ndarray]]:
    """A clip's frames from a plain single-threaded decode, by name."""
    return lambda name: decoded(name)[0]


@pytest.fixture
def stamps(decoded) -> Callable[[str], list[tuple[int, int]]]:
    """The (PTS, occurrence) of the frames of ``truth``."""
    return lambda name: decoded(name)[1]
