"""Signing through `ssh-keygen`: with a file, with `ssh-agent`, and what happens where it signs nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from approval_bench import write_key
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from plan_bench import signer

from runner.errors import ControlFault, WrongUse
from runner.host.disk import Disk
from runner.host.sshkeygen import agent_key, sign
from runner.signing.signers import APPROVE
from runner.verification.reading import ShapeError
from runner.verification.signatures import check_signature, read_key

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = [
    Path(f"/usr/lib/{folder}softhsm/libsofthsm2.so") for folder in ("", "x86_64-linux-gnu/", "aarch64-linux-gnu/")
]

MESSAGE = b"manifest\n"
RIGHT = signer(1).sign(APPROVE, MESSAGE)


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An `ssh-agent` of our own, with one key in it."""
    program, add = shutil.which("ssh-agent"), shutil.which("ssh-add")
    assert program is not None
    assert add is not None
    socket = tmp_path / "holder"
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm.conf"))  # for the tokens that it loads
    process = subprocess.Popen([program, "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert process.poll() is None
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run([add, "-q", str(write_key(tmp_path / "loaded", 1))], check=True)
        yield socket
    finally:
        process.terminate()
        process.wait(10)


def test_a_key_in_a_file_signs(tmp_path: Path) -> None:
    assert sign(write_key(tmp_path / "ada", 1), namespace=APPROVE, message=MESSAGE) == RIGHT


def test_an_old_signature_beside_the_key_is_never_taken(tmp_path: Path) -> None:
    key = write_key(tmp_path / "ada", 1)
    for old in ("ada.sig", "-.sig", ".sig"):
        (tmp_path / old).write_bytes(signer(1).sign(APPROVE, b"another"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sign(key, namespace=APPROVE, message=MESSAGE) == RIGHT
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_ssh_agent_signs(holder: Path, tmp_path: Path) -> None:
    assert holder.exists()
    with agent_key(Disk(), signer(1).public) as key:
        assert sign(key, namespace=APPROVE, message=MESSAGE) == RIGHT
    assert not key.exists()
    public = tmp_path / "ada.pub"
    public.write_text(f"{signer(1).public} ada@desk\n")
    assert sign(public, namespace=APPROVE, message=MESSAGE) == RIGHT


@pytest.fixture
def token(holder: Path, tmp_path: Path) -> tuple[str, Path]:
    """The public key of a PKCS#11 token (SoftHSM) and its library, which our `ssh-agent` may load."""
    module, tool = next((path for path in MODULES if path.exists()), None), shutil.which("softhsm2-util")
    if module is None or tool is None:
        pytest.skip("softhsm2 is not installed")
    assert holder.exists()
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(
        f"directories.tokendir = {tmp_path / 'tokens'}\nobjectstore.backend = file\n"
    )
    (tmp_path / "key.pem").write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (tmp_path / "pin").write_text("#!/bin/sh\necho 4711\n")
    (tmp_path / "pin").chmod(0o700)
    for arguments in (
        ["--init-token", "--free", "--label", "approver", "--so-pin", "0815", "--pin", "4711"],
        ["--import", str(tmp_path / "key.pem"), "--token", "approver", "--label", "key", "--id", "01", "--pin", "4711"],
    ):
        subprocess.run([tool, *arguments], check=True, stdout=subprocess.DEVNULL)
    shown = subprocess.run(["ssh-keygen", "-D", str(module)], check=True, capture_output=True, text=True)
    return " ".join(shown.stdout.split()[:2]), module


def test_a_key_on_a_pkcs11_token_signs_through_ssh_agent(
    token: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, module = token
    with agent_key(Disk(), public) as key:
        with pytest.raises(ControlFault, match="signed nothing"):
            sign(key, namespace=APPROVE, message=MESSAGE)  # the token was not added: nobody typed its PIN
        monkeypatch.setenv("SSH_ASKPASS", str(tmp_path / "pin"))
        monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
        subprocess.run(["ssh-add", "-q", "-s", str(module)], check=True, capture_output=True)
        signature = sign(key, namespace=APPROVE, message=MESSAGE)
    check_signature(signature, MESSAGE, namespace=APPROVE, key=read_key(public))
    with pytest.raises(ShapeError, match="signature"):
        check_signature(signature, MESSAGE + b"x", namespace=APPROVE, key=read_key(public))


def test_a_key_it_does_not_hold_signs_nothing(holder: Path) -> None:
    assert holder.exists()
    with (
        agent_key(Disk(), signer(2).public) as key,
        pytest.raises(ControlFault, match=r"signed nothing with key\.pub; its exit status is [1-9]"),
    ):
        sign(key, namespace=APPROVE, message=MESSAGE)


def test_no_ssh_agent_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(WrongUse, match="--key FILE"), agent_key(Disk(), signer(1).public):
        pytest.fail("there is no ssh-agent")


def test_no_key_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="there is no key file"):
        sign(tmp_path / "ada", namespace=APPROVE, message=MESSAGE)


def test_no_program_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = write_key(tmp_path / "ada", 1)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WrongUse, match="there is no ssh-keygen"):
        sign(key, namespace=APPROVE, message=MESSAGE)


def test_a_key_others_can_read_signs_nothing(tmp_path: Path) -> None:
    key = write_key(tmp_path / "ada", 1)
    key.chmod(0o644)
    with pytest.raises(ControlFault, match="exit status"):
        sign(key, namespace=APPROVE, message=MESSAGE)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Another program of the name `ssh-keygen`, the first on the path."""
    program = folder / "ssh-keygen"
    program.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("said", ["", "echo signed", "echo '-----BEGIN SSH SIGNATURE-----'"])
def test_what_is_no_signature_is_not_taken(said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = write_key(tmp_path / "ada", 1)
    stand_in(tmp_path, monkeypatch, "cat > /dev/null", said, "exit 0")
    with pytest.raises(ControlFault, match="no signature"):
        sign(key, namespace=APPROVE, message=MESSAGE)


def test_the_program_knows_little_of_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = write_key(tmp_path / "ada", 1)
    stand_in(tmp_path, monkeypatch, f"env > {tmp_path}/env", f'echo "$@" > {tmp_path}/arguments', "exit 3")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_ASKPASS", "CANARY", "LD_PRELOAD_CANARY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "socket"))
    with pytest.raises(ControlFault, match="its exit status is 3"):
        sign(key, namespace=APPROVE, message=MESSAGE)
    known = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert known - {"PWD", "SHLVL", "_", "OLDPWD", "TERM"} == {"PATH", "SSH_AUTH_SOCK", "LC_ALL", "SSH_ASKPASS_REQUIRE"}
    assert (tmp_path / "arguments").read_text() == f"-q -Y sign -f {key} -n {APPROVE}\n"
