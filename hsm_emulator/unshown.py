"""Records that hold secrets, and show none of what they hold."""

from __future__ import annotations

from msgspec import Struct
from typing_extensions import override


class Unshown(Struct, frozen=True, kw_only=True):
    """A record whose `repr`, and so any traceback or log it gets into, says its kind and nothing else."""

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
