"""`ceremony resolve`: let the step's people decide what an unknown result counts as, and go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.options import Parser
from runner.cli.resume import run

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the command: what the devices hold is shown, the step's quorum decides, and the ceremony goes on."""
    parser = Parser("resolve", "Show what the devices hold, let the step's people decide, and go on.")
    return run(parser, arguments, may_decide=True)
