"""`nfkmattest`: a key's certificates in one file, and what such a file proves. Both need no device, only files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from hsm_emulator.tools.arguments import Tool

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.bundle import Attested, Bundle
    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation

SUFFIX: Final = ".att"


def _nfkmattest(options: Namespace, at: Installation) -> str:
    return {"bundle": _bundle, "verify": _verify}[options.what](options, at)


def _bundle(options: Namespace, at: Installation) -> str:
    from hsm_emulator import attestation, bundle
    from hsm_emulator.pages import MARK
    from hsm_emulator.tools.installation import write_output

    made = collect(at, options.app, options.ident)
    bundle.verify(made, attestation.root_hash(attestation.root_public()))
    output = at.path(options.output or f"key_{options.app}_{options.ident}{SUFFIX}")
    write_output(output, bundle.render(made))
    return f"{MARK}\nNew file: {output}\n"


def collect(at: Installation, app: str, ident: str) -> Bundle:
    """Return a key's certificates out of world, module and key file; nothing of them is checked yet.

    Raises:
        DamagedFile: a file does not parse.
        Refused: UnknownID without a world or the file of the module that made the key; UnknownKey;
            InvalidParameter for a copy, whose permissions are not those that its certificate is about.
    """
    from hsm_emulator import attestation, bundle, chain, encoding, keyfile, worlds
    from hsm_emulator.attestation import Kind
    from hsm_emulator.errors import Refused, Status
    from hsm_emulator.keys import COPY
    from hsm_emulator.state import parse

    module = at.module()
    if not module.hknso:
        raise Refused(Status.UNKNOWN_ID, "there is no Security World")
    if (app, ident) not in {(key.app, key.ident) for key in module.keys}:
        there = ", ".join(f"{key.app} {key.ident}" for key in module.keys) or "none"
        raise Refused(Status.UNKNOWN_KEY, f"there is no key {app} {ident}; there are: {there}")
    if app == COPY:
        words = f"a copy of application {COPY} has other permissions than its certificate says; attest the key itself"
        raise Refused(Status.INVALID_PARAMETER, words)
    key = keyfile.parse_file(at.local(f"key_{app}_{ident}"))
    _, world = parse(at.local("world"), "world", worlds.FIELDS)
    maker = f"module_{key.certificate.body['esn']}"
    if maker not in {file.name for file in module.files}:
        raise Refused(Status.UNKNOWN_ID, f"there is no file {maker} of the module that made the key")
    _, file = parse(at.local(maker), "module", worlds.MODULE_FIELDS)
    return bundle.Bundle(
        root=attestation.root_public(),
        warrant=attestation.from_data(file["warrant"], Kind.WARRANT),
        module_state=attestation.from_data(file["module_state"], Kind.MODULE_STATE),
        kmc=encoding.untext(file["kmc"], "KMC"),
        kmc_signature=encoding.untext(file["kmc_signature"], "the KMC's signature"),
        world_binding=chain.binding_of(world["binding"]),
        key_generation=key.certificate,
    )


def _verify(options: Namespace, at: Installation) -> str:
    from hsm_emulator import attestation, bundle

    root = attestation.root_hash(attestation.root_public())
    found = bundle.verify(bundle.parse(at.read(options.path)), root)
    return json.dumps(facts(options.path, found), indent=1, sort_keys=True) + "\n"


def facts(path: str, found: Attested) -> dict[str, object]:
    """Return what nfkmattest says of a verified bundle: the attested names, and `simulated`, `root` and `hkm`."""
    from hsm_emulator import crypto

    n, e = crypto.rsa_numbers(found.public)
    return {
        "simulated": True,
        "path": path,
        "protection": found.protection,
        "recovery": found.recovery,
        "permissions": list(found.permissions),
        "esn": found.esn,
        "hknso": found.hknso,
        "hkm": found.hkm,
        "root": found.root_hash,
        "k": {"type": "RSAPublic", "data": {"n": _big(n), "e": _big(e)}},
    }


def _big(value: int) -> str:
    from hsm_emulator import encoding

    return encoding.text(value.to_bytes((value.bit_length() + 7) // 8))


def _add_nfkmattest(parser: Parser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="bundle|verify")
    bundle = what.add_parser("bundle", help="write the certificates of a key into one file")
    bundle.add_argument("--output", metavar="FILE", help="a file that is not there (default: key_APP_IDENT.att)")
    bundle.add_argument("app", metavar="APP", help="the application, such as simple")
    bundle.add_argument("ident", metavar="IDENT", help="the identifier")
    verify = what.add_parser("verify", help="say what such a file proves, as JSON")
    verify.add_argument("path", metavar="FILE", help="the file")


TOOLS: Final = (
    Tool(
        name="nfkmattest",
        does="Bundle a key's certificates up to the emulated maker, or verify such a bundle",
        needs="to bundle: a Security World, the module in any mode; to verify: only the file",
        interrupted="run it again; it is refused where the file is there, which is whole then",
        run=_nfkmattest,
        add=_add_nfkmattest,
    ),
)
