"""The whole error tree, by whose fault it is, and the exit code of each branch.

    CeremonyError
    ├── WrongUse          2   the command line asks for something that is not there
    ├── PlaybookFault     3   what people wrote is invalid, or cannot be done as written
    ├── ControlFault      4   quorum, separation, or a date that has passed
    ├── StepFault         6   a step failed: the device refused, or an expected result was not met
    ├── Uncertain         7   a one-shot step began and its result is unknown
    ├── NoTerminal        8   a person is needed and there is no terminal
    └── EvidenceFault     1   the record does not say what it should
    Defect               70   our own mistake; never caught below the command line

Playbook faults are collected and shown together (`runner.document.findings`); execution stops at the first;
verification returns a verdict.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FINDINGS = 1
    WRONG_USE = 2
    REFUSED = 3
    CONTROL = 4
    STOPPED = 5
    STEP_FAILED = 6
    UNCERTAIN = 7
    NO_TERMINAL = 8
    HANDED_OVER = 9
    DEFECT = 70
    SIGNAL = 128


class CeremonyError(Exception):
    """Root of what is raised on purpose.

    Attributes:
        rule: id of the rule that was broken, such as RUN002; "" where no rule has a name.
        words: one sentence for the person in front of the screen; never a secret.
    """

    exit_code: ClassVar[Exit] = Exit.DEFECT

    def __init__(self, words: str, *, rule: str = "") -> None:
        super().__init__(f"{rule}: {words}" if rule else words)
        self.rule = rule
        self.words = words


class WrongUse(CeremonyError):
    """The command line names a file, a region or an option that is not there."""

    exit_code = Exit.WRONG_USE


class PlaybookFault(CeremonyError):
    """What people wrote is invalid, stale, or cannot be done as written; nothing was touched."""

    exit_code = Exit.REFUSED


class ControlFault(CeremonyError):
    """A control says no: quorum, separation of duties, a date."""

    exit_code = Exit.CONTROL


class StepFault(CeremonyError):
    """A step failed."""

    exit_code = Exit.STEP_FAILED


class Uncertain(CeremonyError):
    """A device was asked to change something and it is not known whether it did."""

    exit_code = Exit.UNCERTAIN


class NoTerminal(CeremonyError):
    """A person is needed, and this process has no terminal of its own to ask them."""

    exit_code = Exit.NO_TERMINAL


class EvidenceFault(CeremonyError):
    """A record, a log or a signature is not what it should be."""

    exit_code = Exit.FINDINGS


class Defect(Exception):
    """Our own mistake. Raised where the code's own invariants fail; exit code 70."""
