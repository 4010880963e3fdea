"""A step on its way into the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from runner.actions.interface import Action
    from runner.document.findings import Path
    from runner.document.playbook import Part, Step
    from runner.plan import PlannedArtefact


class Draft(Struct, kw_only=True):
    """A written step with its action and settings.

    `position` is its line among the playbook's steps, from 0; `left_out` the reason why it is not carried out, or None.
    """

    position: int
    part: Part | None
    step: Step
    action: Action[Any]
    settings: Any
    left_out: str | None
    made: list[PlannedArtefact] = field(default_factory=list)

    def path(self, *rest: str | int) -> Path:
        """Return where in the file something of the step is."""
        return ("steps", self.position, *rest)
