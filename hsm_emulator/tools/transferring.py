"""Tools of a region's toolset: packages are checked, copies reduced, keys packed for the transfer.

Attested is `Result: SUCCESS`; the rest is the emulator's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hsm_emulator import messages
from hsm_emulator.errors import Refused, Status
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool, UsageError, WordParser, add_json
from hsm_emulator.tools.installation import demand_absent, expect, write_output

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation

FAILURE: Final = "Result: FAILURE (SIMULATED)\n"
SUCCESS: Final = "Result: SUCCESS (SIMULATED)"
OUTPUT: Final = "KeyTransferPackage-{}.byok"
"""The name of a transfer package, in the folder where one is; older editions of the procedure have another."""

_MODIFY: Final = ("key_app_name",)
_PACKAGE: Final = ("subscription_id", "key_friendly_name")


def _verifykeypackage(options: Namespace, at: Installation) -> str:
    command = messages.VerifyPackages(kek_package=at.read(options.kek), world_package=at.read(options.world))
    verified = at.look(command, messages.PackagesVerified)
    if options.json:
        from hsm_emulator.tools.looking import json_page

        return json_page(packages=verified)
    lines = [
        MARK,
        f"region        {verified.region}",
        f"root hash     {verified.root_hash}",
        f"KEK hash      {verified.kek_hash}",
        f"world hknso   {verified.hknso}",
        f"world hkm     {verified.world_hash}",
        f"cipher suite  {verified.suite}",
        "Compare the root hash with the one you expect.",
        SUCCESS,
        "",
    ]
    return "\n".join(lines)


def _key_transfer_remote(options: Namespace, at: Installation) -> str:
    wanted, others = (_MODIFY, _PACKAGE) if options.modify_acls else (_PACKAGE, _MODIFY)
    spelt = {"key_app_name": "KeyAppName", "subscription_id": "SubscriptionId", "key_friendly_name": "KeyFriendlyName"}
    for names, words, right in ((wanted, "needs", True), (others, "has no", False)):
        for name in names:
            if (getattr(options, name) is not None) is not right:
                raise UsageError(f"{'-ModifyAcls' if options.modify_acls else '-Package'} {words} -{spelt[name]}")
    packages = {"kek_package": at.read(options.kek), "world_package": at.read(options.world)}
    return (_modify_acls if options.modify_acls else _package)(options, at, packages)


def _modify_acls(options: Namespace, at: Installation, packages: dict[str, bytes]) -> str:
    command = messages.ModifyAcls(app=options.key_app_name, ident=options.key_identifier, **packages)
    made = at.change(command, messages.AclsModified)
    return f"Card reading complete.\n{MARK}\nNew file: {made.file.name}\n{SUCCESS}\n"


def _package(options: Namespace, at: Installation, packages: dict[str, bytes]) -> str:
    """Make a package and put it beside the others.

    The request's id is made of the command and the copy, so the same command line again gives the same package: also
    where the first was broken off between the device's commit and the file.
    """
    name = options.key_friendly_name
    output = at.path(OUTPUT.format(name))
    if len(output.parts) != 1:
        raise Refused(Status.INVALID_PARAMETER, f"{name!r} is no key name: 1 to 127 letters, digits and -")
    demand_absent(output)
    command = messages.Package(
        ident=options.key_identifier, subscription_id=options.subscription_id, friendly_name=name, **packages
    )
    write_output(output, _packed(at, command))
    return f"{MARK}\nNew file: {output}\n{SUCCESS}\n"


def _packed(at: Installation, command: messages.Package) -> bytes:
    from hsm_emulator import crypto, encoding, replies
    from hsm_emulator.keys import COPY

    with at.device() as device:
        module = expect(device.look(messages.Enquiry()), messages.ModuleState)
        copy = [file.sha256 for file in module.files if file.name == f"key_{COPY}_{command.ident}"]
        digest = crypto.sha256(encoding.encode([replies.command_digest(command), *copy])).hex()
        request = f"package-{digest}"
        device.change(command, request, at.operator)
        return expect(device.look(messages.CollectOutput(request_id=request)), messages.Output).content


def _add_verifykeypackage(parser: Parser) -> None:
    parser.add_argument("-k", dest="kek", metavar="FILE", required=True, help="the KEK package")
    parser.add_argument("-w", dest="world", metavar="FILE", required=True, help="the world package")
    add_json(parser)


def _add_key_transfer_remote(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-ModifyAcls", dest="modify_acls", action="store_true", help="make the reduced copy of a key")
    what.add_argument("-Package", dest="package", action="store_true", help="pack the reduced copy for the region")
    word: dict[str, Any] = {"metavar": "TEXT"}
    parser.add_argument("-KeyAppName", dest="key_app_name", help="of the key: simple; with -ModifyAcls", **word)
    parser.add_argument("-KeyIdentifier", dest="key_identifier", required=True, help="of the key", **word)
    parser.add_argument("-ExchangeKeyPackage", dest="kek", metavar="FILE", required=True, help="the KEK package")
    parser.add_argument("-NewSecurityWorldPackage", dest="world", metavar="FILE", required=True, help="its world")
    parser.add_argument("-SubscriptionId", dest="subscription_id", help="the vault's, a GUID; with -Package", **word)
    parser.add_argument("-KeyFriendlyName", dest="key_friendly_name", help="names the file; with -Package", **word)


TOOLS: Final = (
    Tool(
        name="verifykeypackage",
        does="Check a region's two packages up to the maker's root",
        needs="a Security World; the module in operational mode; no cards",
        run=_verifykeypackage,
        add=_add_verifykeypackage,
        failure=FAILURE,
    ),
    Tool(
        name="KeyTransferRemote",
        does="Make the reduced copy of a key, or pack it for a region",
        needs="a Security World; the module in operational mode; with -ModifyAcls a quorum of administrator cards",
        interrupted="nfkminfo -k says whether the copy is there; -Package gives the same package again",
        run=_key_transfer_remote,
        add=_add_key_transfer_remote,
        erases="nothing; the copy's only use with -Package",
        failure=FAILURE,
        parser=WordParser,
    ),
)
