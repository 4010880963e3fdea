"""The wire format of SSH (RFC 4251, section 5), as far as keys and signatures need it."""

from __future__ import annotations

from typing import Final

from runner.verification.reading import ShapeError

_LENGTH: Final = 4
_LONGEST_NUMBER: Final = 2048
"""Bytes beside one zero in front; OpenSSH reads no longer number (SSHBUF_MAX_BIGNUM)."""


class Wire:
    """Reads bytes from the front; whoever is done says so with `end`, so that nothing follows unseen.

    Args:
        data: the bytes.
        what: what they are, in words for the errors.
    """

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._place = 0
        self._what = what

    def take(self, length: int) -> bytes:
        """Return the next bytes, exactly so many.

        Raises:
            ShapeError: there are fewer.
        """
        end = self._place + length
        if end > len(self._data):
            raise ShapeError(f"{self._what} ends too early")
        taken = self._data[self._place : end]
        self._place = end
        return taken

    def string(self) -> bytes:
        """Return the bytes of a `string`: a length of four bytes, then so many bytes.

        Raises:
            ShapeError: it ends too early.
        """
        return self.take(int.from_bytes(self.take(_LENGTH)))

    def mpint(self) -> int:
        """Return the number of an `mpint`, from 0; zeros in front are read over, as OpenSSH does.

        Raises:
            ShapeError: it ends too early, is negative, or longer than OpenSSH reads.
        """
        spelt = self.string()
        longest = _LONGEST_NUMBER + (spelt[:1] == b"\0")
        if spelt[:1] >= b"\x80" or len(spelt) > longest:
            raise ShapeError(f"{self._what} holds a number that is negative or too long")
        return int.from_bytes(spelt)

    def end(self) -> None:
        """Return if nothing is left.

        Raises:
            ShapeError: bytes follow.
        """
        if self._place != len(self._data):
            raise ShapeError(f"bytes follow {self._what}")


def string(data: bytes) -> bytes:
    """Return a `string` of the wire format."""
    return len(data).to_bytes(_LENGTH) + data


def mpint(number: int) -> bytes:
    """Return a number from 0 as an `mpint`, the shortest way."""
    return string(number.to_bytes(number.bit_length() // 8 + 1) if number else b"")
