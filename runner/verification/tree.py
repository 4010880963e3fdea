"""The Merkle tree of RFC 6962, section 2.1, written for the verifier alone."""

from __future__ import annotations

from runner.canonical import Purpose, digest


def leaf_hash(line: bytes) -> bytes:
    """Return the leaf hash of a line without its line feed."""
    return digest(Purpose.LEAF, line)


class Tree:
    """A growing tree as a binary counter: at each level, the root of a full subtree or nothing."""

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[bytes | None] = []

    def grow(self, leaf: bytes) -> None:
        """Add one leaf."""
        carried = leaf
        for level, waiting in enumerate(self._levels):
            if waiting is None:
                self._levels[level] = carried
                break
            self._levels[level] = None
            carried = digest(Purpose.NODE, waiting + carried)
        else:
            self._levels.append(carried)
        self.size += 1

    def root_with(self, leaf: bytes) -> bytes:
        """Return what the root would be with one leaf more."""
        other = Tree()
        other.size, other._levels = self.size, [*self._levels]
        other.grow(leaf)
        return other.root()

    def root(self) -> bytes:
        """Return the root; of the empty tree, the hash of nothing."""
        root = b""
        for subtree in self._levels:
            if subtree is not None:
                root = digest(Purpose.NODE, subtree + root) if root else subtree
        return root or digest(Purpose.FILE, b"")
