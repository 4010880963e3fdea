"""How the emulated device refuses: a status of the nCore API, words for the operator, and nothing changed."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Status(StrEnum):
    """Statuses the device answers with; the names are those of the nCore API (research grade B)."""

    ACCESS_DENIED = "AccessDenied"
    ALREADY_EXISTS = "AlreadyExists"
    BAD_TOKEN_DATA = "BadTokenData"  # the name of a status
    CANCELLED = "Cancelled"
    DECRYPT_FAILED = "DecryptFailed"
    HOST_DATA_INVALID = "HostDataInvalid"
    INCORRECT_TOKEN = "IncorrectToken"  # the name of a status
    INVALID_ACL = "InvalidACL"
    INVALID_HOST_DATA_IDENTIFIER = "InvalidHostDataIdentifier"
    INVALID_PARAMETER = "InvalidParameter"
    INVALID_STATE = "InvalidState"
    KEY_NOT_LOADED = "KeyNotLoaded"
    NO_SPACE_ON_TOKEN = "NoSpaceOnToken"  # the name of a status
    OBJECT_IN_USE = "ObjectInUse"
    STRICT_FIPS_140 = "StrictFIPS140"
    PHYS_TOKEN_NOT_PRESENT = "PhysTokenNotPresent"  # the name of a status
    TIME_LIMIT_EXCEEDED = "TimeLimitExceeded"
    TOKEN_ASSEMBLY_FAILED = "TokenAssemblyFailed"  # the name of a status
    TOKEN_AUTH_FAILED = "TokenAuthFailed"  # the name of a status
    TOKEN_NOT_FORMATTED = "TokenNotFormatted"  # the name of a status
    UNKNOWN_ID = "UnknownID"
    UNKNOWN_KEY = "UnknownKey"
    UNKNOWN_KM = "UnknownKM"
    USE_LIMIT_EXCEEDED = "UseLimitExceeded"
    VERIFY_FAILED = "VerifyFailed"


class EmulatorError(Exception):
    """Root of everything this package raises on purpose."""


class Refused(EmulatorError):  # the device said no: an answer, not a fault
    """The device says no. Nothing was changed, except that a PIN try may have been used up.

    Attributes:
        status: which of the nCore statuses.
        words: one sentence for the operator; never holds a PIN, a share or any other secret.
    """

    def __init__(self, status: Status, words: str) -> None:
        super().__init__(f"{status.value}: {words}")
        self.status = status
        self.words = words


class DamagedFile(Refused):
    """A file does not parse as what it says it is: unknown fields, wrong type or version, over-long, not canonical."""

    code: ClassVar[Status] = Status.HOST_DATA_INVALID

    def __init__(self, words: str) -> None:
        super().__init__(self.code, words)


class StoreBroken(EmulatorError):  # reads as the sentence it is
    """The folder behind the device is not in a state that any crash can leave: somebody edited it, or the disk did."""


class PowerCut(EmulatorError):  # reads as the event it is
    """The device lost power in the middle of a command, which was done as a whole or not at all: open it again."""
