"""Decides problems: each decision is one step of the history, for one problem or all of an object or a selection."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Box, Rect, object_name
from iouviewer.document.classes import class_name_of
from iouviewer.document.decisions import Decision, Verdict, make_decision
from iouviewer.document.edits import SetDecisions, SetFlags
from iouviewer.document.origins import Origin, with_origin
from iouviewer.document.problem_fixes import fix_all_command
from iouviewer.document.problem_texts import keep_text
from iouviewer.document.problems import Problem, ProblemKind
from iouviewer.document.steps import FOLLOWS
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n

ORIGIN = "problems"
"""Origin of the changes that decide problems."""


class ReviewDecisions:
    """Writes decisions into the document of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def apply_fixes(self, objects: Sequence[Sequence[Problem]], rects: Mapping[str, Rect]) -> int:
        """Apply the fixes of problems as one step together with the decisions.

        Args:
            objects: the problems of each object.
            rects: by key, where the proposed rectangle was moved.

        Returns:
            How many problems were left out, because an earlier fix of this step has made theirs impossible, or
            because their box is locked.

        Raises:
            UserError: no fix is possible; nothing was changed.
        """
        session, source = self._session, self._session.source.id
        label, decisions, now = "", [], time.time()
        error: UserError | None = None
        for problems in objects:
            try:
                command = fix_all_command(session.document, problems, rects=rects, source=source)
                name = label or _fixes_label(command.label, len(objects))
                change = session.execute(command.edit, name, origin=ORIGIN, merge_key=FOLLOWS if label else "")
            except UserError as failure:
                error = error or failure
                continue
            label = name
            ids = () if change is None else change.box_ids
            touched = [box for i in sorted(ids) if (box := self._find(i)) is not None]
            self._name_origins(problems, touched, label)
            decisions += [(p.key, self._fixed(p, touched, now).encode()) for p in problems]
        if error is not None and not decisions:
            raise error
        session.execute(SetDecisions(tuple(decisions), source), label, origin=ORIGIN, merge_key=FOLLOWS)
        return sum(map(len, objects)) - len(decisions)

    def _name_origins(self, problems: Sequence[Problem], touched: Sequence[Box], label: str) -> None:
        """Let boxes lean to the variant whose box they took over; what several variants agree on leans to none."""
        session = self._session
        keys = [one.key for one in sorted(session.variants, key=lambda one: one is not session.variants.baseline)]
        flags: dict[int, int] = {}
        for problem in problems:
            if len(problem.variants) != 1 or problem.kind not in (ProblemKind.MISSING, ProblemKind.LOOSE):
                continue
            [place] = problem.variants
            for box in touched:
                if box.frame == problem.frame and problem.box_id in (None, box.id):
                    flags[box.id] = with_origin(box.flags, Origin.ACCEPTED, keys[place])
        if flags:
            edit = SetFlags(tuple(flags.items()), session.source.id)
            session.execute(edit, label, origin=ORIGIN, merge_key=FOLLOWS)

    def _find(self, box_id: int) -> Box | None:
        return self._session.ground_truth.find(box_id)

    def _fixed(self, problem: Problem, touched: Sequence[Box], at: float) -> Decision:
        # The decision on a box that was missing is about the box that was added.
        added = [box.id for box in touched if box.frame == problem.frame] if problem.box_id is None else []
        return self._decision(problem, Verdict.FIXED, at, added)

    def _decision(self, problem: Problem, verdict: Verdict, at: float, boxes: Sequence[int] = ()) -> Decision:
        author = self._session.author
        boxes = [*boxes, *([problem.other_id] if problem.other_id is not None else [])]
        return make_decision(problem, verdict, self._find, author=author, at=at, boxes=boxes)

    def decide(self, problems: Sequence[Problem], verdict: Verdict) -> None:
        """Store the same decision about problems as one step."""
        if not problems:
            return
        now = time.time()
        values = tuple((p.key, self._decision(p, verdict, now).encode()) for p in problems)
        edit = SetDecisions(values, self._session.source.id)
        self._session.execute(edit, self._label(verdict, problems), origin=ORIGIN)

    def add_corrected(self, problems: Sequence[Problem]) -> None:
        """Store that the last edit by hand solved problems; it is undone together with that edit."""
        if not problems or self._session.read_only:
            return
        now = time.time()
        values = tuple((p.key, self._decision(p, Verdict.CORRECTED, now).encode()) for p in problems)
        edit = SetDecisions(values, self._session.source.id)
        label = tr_n("Correct {count} problem by hand", "Correct {count:,} problems by hand", len(problems))
        self._session.execute(edit, label, origin=ORIGIN, merge_key=FOLLOWS)

    def reopen(self, keys: Sequence[str]) -> None:
        """Take decisions back as one step."""
        edit = SetDecisions(tuple((key, "") for key in keys), self._session.source.id)
        label = tr_n("Reopen {count} problem", "Reopen {count:,} problems", len(keys))
        self._session.execute(edit, label, origin=ORIGIN)

    def _label(self, verdict: Verdict, problems: Sequence[Problem]) -> str:
        """Name of the step: what was said, and where."""
        first, names = problems[0], self._session.document.class_names
        frames = frames_text([problem.frame for problem in problems])
        if verdict is Verdict.RIGHT:
            said = {keep_text(problem, names) for problem in problems}
            text = said.pop() if len(said) == 1 else tr("Keep ground truth")
        else:
            text = tr("Unclear")
        if len(problems) == 1:
            return tr("{decision}: {object}, {frames}", decision=text, object=_object(first, names), frames=frames)
        return tr_n(
            "{decision}: {count} problem, {frames}",
            "{decision}: {count:,} problems, {frames}",
            len(problems),
            decision=text,
            frames=frames,
        )


def _object(problem: Problem, names: tuple[str, ...]) -> str:
    return object_name(class_name_of(problem.class_id, names), problem.track)


def frames_text(frames: Sequence[int]) -> str:
    """``frame 153``, ``frames 153–156``."""
    first, last = min(frames), max(frames)
    if first == last:
        return tr("frame {frame:,}", frame=first)
    return tr("frames {first:,}–{last:,}", first=first, last=last)


def _fixes_label(label: str, count: int) -> str:
    return label if count == 1 else tr("Apply {count:,} fixes", count=count)
