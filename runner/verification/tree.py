"""The Merkle tree of RFC 6962, section 2.1, written for the verifier alone."""

from __future__ import annotations

import hashlib
from typing import Final

from runner.canonical import Purpose, digest

_LEAF: Final = Purpose.LEAF.value
_NODE: Final = Purpose.NODE.value
_BLOCK: Final = 1024
"""Leaves that wait to be hashed together, at most."""


def leaf_hash(line: bytes) -> bytes:
    """Return the leaf hash of a line without its line feed."""
    return hashlib.sha256(_LEAF + line).digest()


class Tree:
    """A growing tree as a binary counter: at each level, the root of a full subtree or nothing.

    Leaves wait and are added many at a time, level by level.
    """

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[bytes | None] = []
        self._waiting: list[bytes] = []

    def grow(self, leaf: bytes) -> None:
        """Add one leaf."""
        self.size += 1
        self._waiting.append(leaf)
        if len(self._waiting) == _BLOCK:
            self._settle()

    def root_with(self, leaf: bytes) -> bytes:
        """Return what the root would be with one leaf more."""
        other = Tree()
        other.size, other._levels, other._waiting = self.size, [*self._levels], [*self._waiting]
        other.grow(leaf)
        return other.root()

    def root(self) -> bytes:
        """Return the root; of the empty tree, the hash of nothing."""
        self._settle()
        root = b""
        for subtree in self._levels:
            if subtree is not None:
                root = digest(Purpose.NODE, subtree + root) if root else subtree
        return root or digest(Purpose.FILE, b"")

    def _settle(self) -> None:
        """Add the leaves that wait: on each level what was left over stands before them, and pairs are joined."""
        sha256 = hashlib.sha256
        carried, self._waiting = self._waiting, []
        level = 0
        while carried:
            if level == len(self._levels):
                self._levels.append(None)
            left = self._levels[level]
            if left is not None:
                carried.insert(0, left)
            self._levels[level] = carried.pop() if len(carried) % 2 else None
            pairs = zip(carried[::2], carried[1::2], strict=True)
            carried = [sha256(_NODE + one + other).digest() for one, other in pairs]
            level += 1
