"""Signatures of real people: `ssh-keygen -Y sign`, with a key in a file, in `ssh-agent`, or on a token.

The message goes in and the signature comes out through pipes. A file would not do: where its `.sig` exists,
`ssh-keygen` can leave the old one there and still exit with 0. A passphrase, a PIN or a touch is asked for by
`ssh-keygen` itself, on the terminal; nothing of it passes through here, and its own words of failure go to stderr as
they are and into no error of ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.errors import ControlFault, WrongUse
from runner.public_keys import parse_public_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.host.disk import Disk

PROGRAM: Final = "ssh-keygen"

_PUBLIC: Final = ".pub"
_HANDED_ON: Final = ("PATH", "SSH_AUTH_SOCK", "TERM")
"""What the program may know of our environment; among others no DISPLAY, so that it asks on the terminal."""

_BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----\n"
_END: Final = b"-----END SSH SIGNATURE-----\n"


def require_key(disk: Disk, key: Path, public: str) -> None:
    """Return if a key file is there, and the public half that lies beside it, if one does, is the one expected.

    What cannot be told before signing is told by the signature.

    Args:
        disk: the files.
        key: a private key, or the public half (`.pub`) of one that `ssh-agent` holds.
        public: the key expected, one line.

    Raises:
        WrongUse: there is no such key file.
        ControlFault: LOG080, it is another key.
    """
    if not key.is_file():
        raise WrongUse(f"there is no key file {key}")
    half = key if key.suffix == _PUBLIC else key.with_name(key.name + _PUBLIC)
    if not half.is_file():
        return
    try:
        found = parse_public_key(disk.read(half).decode().strip("\r\n"))
    except ValueError:
        return
    expected = parse_public_key(public)
    if found.identity != expected.identity:
        words = f"{half.name} is the key {found.fingerprint}, and the plan has {expected.fingerprint}"
        raise ControlFault(words, rule="LOG080")


def sign(key: Path, *, namespace: str, message: bytes) -> bytes:
    """Return the armoured SSHSIG over `message`. It is not verified here. Waits for people as long as they need.

    Args:
        key: a private key, or the public half (`.pub`) of one that `ssh-agent` holds.
        namespace: what the signature is for.
        message: all of it.

    Raises:
        WrongUse: there is no such key file, or no `ssh-keygen`.
        ControlFault: `ssh-keygen` signed nothing; names its exit status.
    """
    if not key.is_file():
        raise WrongUse(f"there is no key file {key}")
    command = [_program(), "-q", "-Y", "sign", "-f", str(key), "-n", namespace]
    done = subprocess.run(command, input=message, stdout=subprocess.PIPE, env=_environment(), check=False)
    if done.returncode != 0:
        raise ControlFault(f"{PROGRAM} signed nothing with {key.name}; its exit status is {done.returncode}")
    if not (done.stdout.startswith(_BEGIN) and done.stdout.endswith(_END)):
        raise ControlFault(f"what {PROGRAM} gave is no signature")
    return done.stdout


@contextmanager
def agent_key(disk: Disk, public: str) -> Iterator[Path]:
    """Give a key file to sign with through `ssh-agent`; it holds the public key and is gone afterwards.

    Raises:
        WrongUse: no `ssh-agent` is known here.
    """
    if not os.environ.get("SSH_AUTH_SOCK"):
        raise WrongUse("no ssh-agent is known here (SSH_AUTH_SOCK); say which key to sign with (--key FILE)")
    with tempfile.TemporaryDirectory(prefix="ceremony-") as folder:
        path = Path(folder) / "key.pub"
        disk.write_new(path, f"{public}\n".encode())
        yield path


def _program() -> str:
    found = shutil.which(PROGRAM)
    if found is None:
        raise WrongUse(f"there is no {PROGRAM} on this machine; it comes with OpenSSH")
    return found


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    return kept | {"LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}
