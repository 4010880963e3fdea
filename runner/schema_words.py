"""What editors show beside a key: one sentence for each, by the model it belongs to.

The key "" is the thing itself. A test shows that no key is without words, and no words without a key.

The module is longer than others because every key of every document has its sentence here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATE = "a day such as `2027-06-30`, in quotes"
_AT = "The station it is at when the ceremony begins."

_KIND: Final = {
    "type": "What a value must be, such as `text`, `whole`, `uuid` or `sha256`.",
    "ask": "The words it is asked with.",
    "example": "A value of the right form; a rehearsal takes it.",
    "pattern": "A regular expression that the whole text must match.",
    "at_least": "The smallest whole number that is accepted.",
    "at_most": "The largest whole number that is accepted.",
    "max_length": "The most characters a text may have.",
    "of": "What can be chosen, for the type `choice`.",
    "help": "More words for whoever is asked.",
}

_PLAYBOOK: Final = {
    "": "A key ceremony as its author wrote it.",
    "format": "The format of this file.",
    "id": "A short id for the ceremony; its roster names it.",
    "title": "What the ceremony is called. May hold templates.",
    "version": "The version of this playbook, as its owner counts.",
    "owner": "Whom to ask about this playbook.",
    "review_by": f"When it must have been looked at again: {_DATE}. It is not rehearsed after that day.",
    "follows": "The published procedure and the editions of it that this playbook was checked against.",
    "regions": "The file with the values that differ from region to region, beside this one.",
    "languages": "The languages there are texts in; the first is this file's.",
    "names": "Exact words that texts take as `{{ names.NAME }}`.",
    "parameters": "What is asked before a plan is made; templates take it as `{{ params.NAME }}`. Never a secret.",
    "records": "Records of earlier ceremonies; steps compare with `records.NAME.steps.ID.RESULT`.",
    "trust": "Values that somebody outside vouches for; steps compare with `trust.NAME`.",
    "stations": "The places with a machine. A step is done at one of them.",
    "devices": "The HSMs, and the stations they are at.",
    "media": "What files are carried on, or kept on.",
    "inventory": "What must lie on the table before the start.",
    "roles": "The parts people act in.",
    "separation": "Lines of roles; nobody acts in two roles of one line.",
    "card_sets": "The card sets: how many cards there are, and how many of them are needed.",
    "approvals": "How many people approve the plan and close the record.",
    "exceptions": "Rules that may be let pass in the room, each with how many people of which role it takes.",
    "brings": "The files that exist before the ceremony, under names of your own.",
    "starts_with": "What is true of devices and card sets before the first step.",
    "ends_with": "What is true of devices, card sets and artefacts after the last step.",
    "steps": "The parts and the steps, in the order they are done in.",
    "waivers": "Rules that do not hold here, each with the reason.",
}

_STEP: Final = {
    "": "One step of the ceremony.",
    "id": "A short id; results are called `steps.ID.RESULT`.",
    "action": "What is done. The other keys of the step depend on it.",
    "title": "The step in a few words. May hold templates.",
    "minutes": "How long it takes, in minutes.",
    "station": "Where it is done; left out, where its part is.",
    "quorum": "Who must be there: people by role. It replaces all of the part's quorum.",
    "device": "Which device does it; left out, the only one.",
    "say": "What is read out. May hold templates.",
    "note": "Help for whoever carries it out. May hold templates.",
    "caution": "What can go wrong for good. May hold templates.",
    "with": "The settings of the action. May hold templates.",
    "uses": "The artefacts it takes, by the action's name for each.",
    "produces": "The artefacts it makes, under names of your own.",
    "changes": "The artefacts it changes, by the action's name for each; older backups no longer count.",
    "destroys": "The artefacts that are gone afterwards.",
    "asks": "What people read off and type; each becomes a result of the step.",
    "expect": "Results that must be equal to a value, a template or a reference such as `steps.ID.RESULT`.",
    "command": "The command line as the published procedure prints it; it is compared with what the action types.",
    "when": "True, false or one template; where it is false the step is left out.",
    "left_out": "What is said in place of the step where it is left out.",
    "repeat": "Whether an interrupted step may be done again: `safe` or `never`.",
    "sign_off": "How people confirm the step: `signed`, `typed` or `none`; left out, `signed` where it happens once.",
}

_CEREMONY: Final = {
    "Playbook": _PLAYBOOK,
    "Step": _STEP,
    "Part": {
        "": "A heading, with the station and the quorum of the steps under it.",
        "part": "The heading. May hold templates.",
        "station": "Where its steps are done.",
        "quorum": "Who must be there: people by role, as a number or as `card_sets.SET.threshold` or `.cards`.",
        "say": "What is read out when the part begins.",
    },
    "Produces": {
        "": "A file that the step makes.",
        "file": "Its name; left out where the action itself names the file. May hold templates.",
        "at_most": "The largest it can be, such as `16 MB`; left out, 1 MB.",
        "backup_before": "The step before which it must have a backup, or `end`.",
    },
    "Brings": {
        "": "A file that exists before the ceremony.",
        "at": "The station it is at when the ceremony begins.",
        "file": "Its name. May hold templates.",
        "sha256": "Its digest, 64 hex digits, or `records.NAME.artefacts.ID`; compared before anything changes.",
        "at_most": "The largest it can be, such as `16 MB`; left out, 1 MB.",
        "backup_before": "The step before which it must have a new backup if it is changed, or `end`.",
    },
    "Earlier": {
        "": "The record of an earlier ceremony. It is verified before the plan is made.",
        "ceremony": "The id of the playbook that was carried out in it.",
        "ask": "Which record it is, for whoever makes the plan.",
    },
    "Ask": {"": "A value that is typed in the room.", **_KIND, "twice": "Whether it is typed twice and compared."},
    "Parameter": {
        "": "A value that is given before the plan is made.",
        **_KIND,
        "default": "The value where none is given.",
    },
    "Follows": {
        "": "The published procedure this playbook follows.",
        "procedure": "What it is called.",
        "edition": f"The edition that a plan takes if it names none: {_DATE}.",
        "also": "Other editions the playbook was checked against.",
    },
    "Trust": {
        "": "A value that somebody outside vouches for.",
        "type": "What it is.",
        "value": "The value, or a template over region values.",
        "said_by": "Who vouches for it.",
    },
    "Station": {"": "A place with a machine.", "title": "What people call it.", "network": "Whether it has a network."},
    "Device": {"": "An HSM.", "kind": "What kind of HSM it is.", "at": "The station it is at."},
    "Medium": {
        "": "Something that files are carried on or kept on.",
        "title": "What people call it.",
        "at": _AT,
        "free": "How much fits on it, such as `16 MB`.",
        "keeps": "`transfer`: it is carried; `backup` or `archive`: it keeps copies.",
    },
    "Item": {"": "Something on the table.", "item": "What it is.", "count": "How many there are."},
    "Role": {"": "A part that people act in.", "title": "What people call it."},
    "CardSet": {
        "": "A set of cards, some of which together allow something.",
        "kind": "What the cards are for.",
        "threshold": "How many cards are needed.",
        "cards": "How many cards there are.",
        "held_by": "The role of the people who hold them.",
    },
    "Approvals": {
        "": "Who approves, and how many.",
        "plan": "How many people of each role approve the plan.",
        "close": "How many people of each role close the record.",
        "days": "For how many days an approval holds.",
    },
    "ExceptionAllowed": {
        "": "A rule that may be let pass in the room.",
        "rule": "The rule's id.",
        "role": "The role of the people who may let it pass.",
        "people": "How many of them it takes.",
    },
    "Condition": {
        "": "What is true of a device, a card set, an artefact or a medium.",
        "mode": "Of a device: its mode.",
        "world": "Of a device: `none`, `any`, or the card set of its Security World.",
        "at": "Of an artefact: the station it is at.",
        "written": "Of a card set: it is written.",
        "lost": "Of a card set: how many of its cards are lost.",
        "custody": "How it is kept: `sealed` or `handed_over`. Of card sets and media, at the end.",
    },
    "Waiver": {
        "": "A rule that does not hold, and the reason.",
        "rule": "The rule's id.",
        "step": "The step it is for; left out, all of them.",
        "because": "The reason.",
        "until": f"The last day it holds: {_DATE}.",
    },
}

_REGIONS: Final = {
    "Regions": {
        "": "What differs from region to region.",
        "format": "The format of this file.",
        "source": "Where the values were published.",
        "editions": "The editions of the published procedure, by date.",
        "withdrawn": "When the publisher ended the procedure.",
        "values": "What each region gives: names, and what their values must be.",
        "everywhere": "Values that are the same in every region.",
        "regions": "The regions, by code.",
    },
    "Edition": {
        "": "An edition of the published procedure.",
        "note": "What changed with it.",
        "replaced_by": f"The edition that replaced it: {_DATE}.",
    },
    "Withdrawn": {"": "The end of the procedure.", "on": f"When: {_DATE}.", "because": "Why."},
    "ValueKind": {
        "": "What a region's value must be.",
        "type": "Its type.",
        "pattern": "A regular expression that the whole text must match.",
        "distinct": "Whether no two regions may have the same at one time.",
    },
    "Region": {
        "": "A region: whether the procedure is offered there, and its values.",
        "offered": "From when on the procedure is offered here, or that it never was.",
        "shares": "Values that are another region's on purpose: the value, and the region's code.",
    },
    "OfferedWhen": {
        "": "`{from: DATE}`, or `{never: true, because: …}`.",
        "from": f"The first day it is offered: {_DATE}.",
        "until": f"The day it ends: {_DATE}.",
        "never": "It was never offered here.",
        "because": "The published reason.",
    },
}

_ROSTER: Final = {
    "Roster": {
        "": "The people of one ceremony.",
        "format": "The format of this file.",
        "ceremony": "The `id` of the playbook.",
        "people": "The people, each under a short id.",
    },
    "Person": {
        "": "Somebody who takes part.",
        "name": "Their name.",
        "roles": "The roles they can act in.",
        "key": "Their public key, as OpenSSH writes it: type and base64.",
        "cards": "The cards they hold: the card set, and the number of the card.",
        "stands_in_for": "Whose stand-in they are.",
    },
}

_TEXTS: Final = {
    "Texts": {
        "": "What people hear and read in a ceremony, in another language.",
        "format": "The format of this file.",
        "language": "The language's code, such as `fr`; the same as in the name of this file.",
        "of": "The file with the playbook.",
        "title": "What the ceremony is called. May hold templates.",
        "parts": "The headings: as the playbook has them, and in this language.",
        "parts_say": "What is read out where a part begins, by its heading as the playbook has it.",
        "steps": "The texts of the steps, by the step's id.",
    },
    "StepTexts": {
        "": "The texts of a step: those it has in the playbook, and no other.",
        "title": "The step in a few words. May hold templates.",
        "say": "What is read out. May hold templates.",
        "note": "Help for whoever carries it out. May hold templates.",
        "caution": "What can go wrong for good. May hold templates.",
        "left_out": "What is said in place of the step where it is left out.",
        "asks": "The words each answer is asked with, by its name.",
    },
}

_ENVIRONMENT: Final = {
    "Environment": {
        "": "One machine in the room. Paths are relative to this file.",
        "format": "The format of this file.",
        "id": "A short id for the machine.",
        "stations": "The stations of the playbook that this machine plays.",
        "devices": "What stands for the playbook's devices.",
        "media": "Where the playbook's media show up.",
        "folders": "Where the machine keeps what it works with.",
        "waits": "How long people have.",
        "keys": "Where each person's key lies: the private half, or the public one where a program keeps the private.",
        "pins": "Where passphrases are typed.",
    },
    "DeviceHere": {
        "": "What stands for a device.",
        "backend": "What drives it.",
        "serial": "Its serial number, as it is printed on it.",
    },
    "MediumHere": {"": "Where a medium shows up.", "folder": "The folder it is, below the one of this file."},
    "Folders": {
        "": "Folders below the one of this file.",
        "work": "The station's files.",
        "devices": "Devices that are simulated.",
        "vaults": "Vaults that are simulated.",
        "ledger": "The approvals that were used.",
    },
    "Waits": {
        "": "How long people have.",
        "card_minutes": "For a card to be put in, in minutes.",
        "mode_minutes": "For the mode to be set at the device, in minutes.",
    },
}

KEYS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {**_CEREMONY, **_REGIONS, **_ROSTER, **_TEXTS, **_ENVIRONMENT}
)
"""Words by model and key."""

DOCUMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ceremony": "A key ceremony",
        "regions": "The regions of a ceremony",
        "roster": "The people of a ceremony",
        "texts": "The texts of a ceremony in another language",
        "environment": "A machine in the room",
        "replay": "A ceremony tried out",
        "faults": "What goes wrong in a rehearsal",
    }
)

RESULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "text",
        "whole": "a whole number",
        "flag": "true or false",
        "sha256": "a SHA-256 digest, 64 hexadecimal digits",
        "key_hash": "a key hash, 40 hexadecimal digits",
        "public_key": "a public key, most often another step's",
    }
)
"""What a result of each type is."""
