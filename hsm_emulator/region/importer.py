"""The vault's side of a transfer as a process of its own.

    python -m hsm_emulator.region.importer FOLDER PACKAGE VAULT NAME SUBSCRIPTION REQUEST

It is given a region's folder and a transfer package, and names that are no secrets; nothing of the exporter. It prints
one line of canonical JSON: {"kind": "imported", ...}, {"kind": "refused", status, words} or {"kind": "broken", words}.
Exit codes: 0 imported (now or before, under the same request id), 1 refused or broken, 2 usage.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from hsm_emulator import crypto, encoding
from hsm_emulator.disk import Disk
from hsm_emulator.errors import DamagedFile, Refused, Status, StoreBroken
from hsm_emulator.region import records
from hsm_emulator.region.vault import ImportRequest, take_in
from hsm_emulator.store import Store

USAGE: Final = "usage: python -m hsm_emulator.region.importer FOLDER PACKAGE VAULT NAME SUBSCRIPTION REQUEST\n"


def main(arguments: list[str]) -> int:
    """Import one package, print the one line, and return the exit code."""
    if len(arguments) != 6:  # noqa: PLR2004 - as many as the usage line names
        sys.stderr.write(USAGE)
        return 2
    folder, package, vault, name, subscription_id, request_id = arguments
    try:
        request = ImportRequest(
            package=_read(Path(package)),
            vault=vault,
            name=name,
            subscription_id=subscription_id,
            request_id=request_id,
        )
        answer = _import(Path(folder), request)
    except Refused as refusal:
        answer = {"kind": "refused", "status": refusal.status.value, "words": refusal.words}
    except StoreBroken as broken:
        answer = {"kind": "broken", "words": str(broken)}
    sys.stdout.write(encoding.encode(answer).decode() + "\n")
    return 0 if answer["kind"] == "imported" else 1


def _import(folder: Path, request: ImportRequest) -> dict[str, Any]:
    if not (folder / records.REGION).is_file():  # opening a store would make one
        raise Refused(Status.INVALID_STATE, "no region is installed in this folder")
    with Store.open(folder, Disk()) as store:
        receipt = take_in(store, request, crypto.SystemDraw())
    reply = encoding.decode(receipt.reply, "the stored reply")
    return {"kind": "imported", "audit_size": receipt.n, "audit_head": receipt.head, **reply}


def _read(path: Path) -> bytes:
    try:
        content = Disk().read(path.resolve())
    except (StoreBroken, OSError):
        raise DamagedFile("the package is not a plain file of a package's size") from None
    if content is None:
        raise Refused(Status.INVALID_PARAMETER, "there is no such package")
    return content


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
