"""The Merkle tree over the lines of a log (RFC 6962, section 2.1), as a streaming computation.

The leaf of a line is also what the next line names as `prev`, so one hash per entry serves chain and tree.
"""

from __future__ import annotations

from functools import reduce

from msgspec import Struct

from runner.canonical import Purpose, digest


def leaf(line: bytes) -> bytes:
    """Return the leaf hash of a line without its line feed: 32 bytes."""
    return digest(Purpose.LEAF, line)


def _node(left: bytes, right: bytes) -> bytes:
    return digest(Purpose.NODE, left + right)


class Frontier(Struct, frozen=True):
    """What must be kept of a tree to go on adding leaves: the roots of its full subtrees, largest first.

    There is one subtree per bit that is set in `size`, so no more than 64 hashes are ever held.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def add(self, leaf_hash: bytes) -> Frontier:
        """Return the frontier with one more leaf."""
        peaks, grown = list(self.peaks), leaf_hash
        full = self.size
        while full & 1:
            grown = _node(peaks.pop(), grown)
            full >>= 1
        return Frontier(size=self.size + 1, peaks=(*peaks, grown))

    def root(self) -> bytes:
        """Return the root: 32 bytes; of the empty tree, the hash of nothing."""
        if not self.peaks:
            return digest(Purpose.FILE, b"")
        return reduce(lambda right, left: _node(left, right), reversed(self.peaks))
