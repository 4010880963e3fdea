"""Receipts: what each commit did and answered, chained by their hashes, without any secret."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from hsm_emulator import encoding
from hsm_emulator.errors import Refused, StoreBroken

if TYPE_CHECKING:
    from collections.abc import Mapping

BEGINNING: Final = "0" * 64
"""The chain head of a store without receipts."""

AUDIT: Final = "audit/"
STAGES: Final = ("stage/", "silicon/stage/")
LOCK: Final = "lock"
BESIDE: Final = "kmdata/config/"
"""Where people keep files that no receipt is about."""


_FIELDS: Final = frozenset({"n", "prev", "request", "kind", "command_digest", "reply", "targets"})
_TRY: Final = re.compile(r".*#try[0-9]+")


class Target(Struct, frozen=True, kw_only=True):
    """A file that a commit changed: SHA-256 of its bytes before and after in hex, "" where it is not there."""

    path: str
    before: str
    after: str


class Receipt(Struct, frozen=True, kw_only=True):
    """What a commit did. `n` counts from 1, `prev` is the chain head before it."""

    n: int
    prev: str
    request: str
    kind: str
    command_digest: str
    reply: bytes
    targets: tuple[Target, ...]

    @property
    def content(self) -> bytes:
        """The receipt's canonical bytes."""
        return encoding.encode(
            {
                "n": self.n,
                "prev": self.prev,
                "request": self.request,
                "kind": self.kind,
                "command_digest": self.command_digest,
                "reply": self.reply.decode(),
                "targets": [{"path": t.path, "before": t.before, "after": t.after} for t in self.targets],
            }
        )

    @property
    def is_try(self) -> bool:
        """Whether this is a PIN try inside another request rather than a request of its own."""
        return _TRY.fullmatch(self.request) is not None

    @property
    def head(self) -> str:
        """The chain head after this receipt: SHA-256 of its bytes in hex."""
        return hashlib.sha256(self.content).hexdigest()


def parse(content: bytes, n: int) -> Receipt:
    """Return receipt `n` from its bytes.

    Raises:
        StoreBroken: they are not what `Receipt.content` gives for a receipt with this number.
    """
    what = f"receipt {n}"
    try:
        data = encoding.fields(encoding.decode(content, what), _FIELDS, what)
        items = [encoding.fields(item, frozenset({"path", "before", "after"}), what) for item in data["targets"]]
        targets = tuple(_target(item) for item in items)
        receipt = Receipt(**{**data, "reply": data["reply"].encode(), "targets": targets})
        same = receipt.content == content
    except (Refused, TypeError, AttributeError):
        raise StoreBroken(f"{what} cannot be read") from None
    if receipt.n != n or not same:
        raise StoreBroken(f"{what} cannot be read")
    return receipt


def _target(data: dict[str, Any]) -> Target:
    _admit(data["path"])
    return Target(**data)


def difference(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[Target, ...]:
    """Return what has to change, by path.

    Raises:
        StoreBroken: a path that no file of a store can have.
    """
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    for path in changed:
        _admit(path)
    return tuple(Target(path=path, before=digest(before.get(path)), after=digest(after.get(path))) for path in changed)


def _admit(path: str) -> None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or str(pure) != path or ".." in pure.parts or "\0" in path or not is_state(path):
        raise StoreBroken(f"{path!r} is no path of a store's file")


def is_state(path: str) -> bool:
    """Say whether a relative path is a file of the state rather than the store's own, or one that people keep here."""
    return path not in {"", ".", LOCK} and not path.startswith((AUDIT, *STAGES, BESIDE))


def staged(place: int, path: str) -> str:
    """Return where a commit's file waits for the commit point: secrets never outside `silicon/`."""
    stage = STAGES[1] if path.startswith("silicon/") else STAGES[0]
    return f"{stage}{place}"


def digest(content: bytes | None) -> str:
    """Return the SHA-256 of a file in hex, "" where there is none."""
    return "" if content is None else hashlib.sha256(content).hexdigest()
