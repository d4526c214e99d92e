"""After any edits, undos, redos and reopenings the file holds the state that the session showed."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.project.editing_machine import EditingAndReopening

pytestmark = pytest.mark.usefixtures("qapp")

EditingAndReopening.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
TestEditingAndReopening = EditingAndReopening.TestCase
