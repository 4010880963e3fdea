"""What people read aloud, type back and compare: digests in words, and values written so that everybody sees the same.

The words are the PGP word list (Juola and Zimmermann, 1996): a word of two syllables for a byte at an even place, one
of three for a byte at an odd place. No word is in both lists, so a word that is left out, said twice or swapped with
its neighbour shows at once.
"""

from __future__ import annotations

import re
from enum import Enum
from itertools import zip_longest
from typing import Final, assert_never

from msgspec import Struct

from runner.vocabulary import closest

UNSEEN: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\xa0\xad"  # controls but TAB and LF, no-break space, soft hyphen
    "\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f"  # spaces of other widths, zero width, bidirectional controls
    "\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\ud800-\udfff"  # halves of surrogate pairs; they come only from escapes
    "\ue000-\uf8ff"  # private use: no two screens agree
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U0010ffff"  # tags, variation selectors, private use
)
r"""The ranges of a regular expression's class: what has no shape, or turns the reading direction.

They are written out, and not asked of Python: what counts as printable there changes with each version of Unicode, and
a manifest has to read the same years later.
"""

_EVEN_LIST: Final = """
    aardvark absurd accrue acme adrift adult afflict ahead aimless Algol allow alone ammo ancient apple artist
    assume Athens atlas Aztec baboon backfield backward banjo beaming bedlamp beehive beeswax befriend Belfast berserk
    billiard bison blackjack blockade blowtorch bluebird bombast bookshelf brackish breadline breakup brickyard
    briefcase Burbank button buzzard cement chairlift chatter checkup chisel choking chopper Christmas clamshell classic
    classroom cleanup clockwork cobra commence concert cowbell crackdown cranky crowfoot crucial crumpled crusade cubic
    dashboard deadbolt deckhand dogsled dragnet drainage dreadful drifter dropper drumbeat drunken Dupont dwelling
    eating edict egghead eightball endorse endow enlist erase escape exceed eyeglass eyetooth facial fallout flagpole
    flatfoot flytrap fracture framework freedom frighten gazelle Geiger glitter glucose goggles goldfish gremlin
    guidance hamlet highchair hockey indoors indulge inverse involve island jawbone keyboard kickoff kiwi klaxon locale
    lockup merit minnow miser Mohawk mural music necklace Neptune newborn nightbird Oakland obtuse offload optic orca
    payday peachy pheasant physique playhouse Pluto preclude prefer preshrunk printer prowler pupil puppy python
    quadrant quiver quota ragtime ratchet rebirth reform regain reindeer rematch repay retouch revenge reward rhythm
    ribcage ringbolt robust rocker ruffled sailboat sawdust scallion scenic scorecard Scotland seabird select sentence
    shadow shamrock showgirl skullcap skydive slingshot slowdown snapline snapshot snowcap snowslide solo southward
    soybean spaniel spearhead spellbind spheroid spigot spindle spyglass stagehand stagnate stairway standard stapler
    steamship sterling stockman stopwatch stormy sugar surmount suspense sweatband swelter tactics talon tapeworm
    tempest tiger tissue tonic topmost tracker transit trauma treadmill Trojan trouble tumor tunnel tycoon uncut
    unearth unwind uproot upset upshot vapor village virus Vulcan waffle wallet watchword wayside willow woodlark Zulu
"""
_ODD_LIST: Final = """
    adroitness adviser aftermath aggregate alkali almighty amulet amusement antenna applicant Apollo armistice article
    asteroid Atlantic atmosphere autopsy Babylon backwater barbecue belowground bifocals bodyguard bookseller borderline
    bottomless Bradbury bravado Brazilian breakaway Burlington businessman butterfat Camelot candidate cannonball
    Capricorn caravan caretaker celebrate cellulose certify chambermaid Cherokee Chicago clergyman coherence combustion
    commando company component concurrent confidence conformist congregate consensus consulting corporate corrosion
    councilman crossover crucifix cumbersome customer Dakota decadence December decimal designing detector detergent
    determine dictator dinosaur direction disable disbelief disruptive distortion document embezzle enchanting
    enrollment enterprise equation equipment escapade Eskimo everyday examine existence exodus fascinate filament
    finicky forever fortitude frequency gadgetry Galveston getaway glossary gossamer graduate gravity guitarist
    hamburger Hamilton handiwork hazardous headwaters hemisphere hesitate hideaway holiness hurricane hydraulic
    impartial impetus inception indigo inertia infancy inferno informant insincere insurgent integrate intention
    inventive Istanbul Jamaica Jupiter leprosy letterhead liberty maritime matchmaker maverick Medusa megaton microscope
    microwave midsummer millionaire miracle misnomer molasses molecule Montana monument mosquito narrative nebula
    newsletter Norwegian October Ohio onlooker opulent Orlando outfielder Pacific pandemic Pandora paperweight paragon
    paragraph paramount passenger pedigree Pegasus penetrate perceptive performance pharmacy phonetic photograph pioneer
    pocketful politeness positive potato processor provincial proximate puberty publisher pyramid quantity racketeer
    rebellion recipe recover repellent replica reproduce resistor responsive retraction retrieval retrospect revenue
    revival revolver sandalwood sardonic Saturday savagery scavenger sensation sociable souvenir specialist speculate
    stethoscope stupendous supportive surrender suspicious sympathy tambourine telephone therapist tobacco tolerance
    tomorrow torpedo tradition travesty trombonist truncated typewriter ultimate undaunted underfoot unicorn unify
    universe unravel upcoming vacancy vagabond vertigo Virginia visitor vocalist voyager warranty Waterloo whimsical
    Wichita Wilmington Wyoming yesteryear Yucatan
"""
_EVEN: Final = tuple(_EVEN_LIST.split())
_ODD: Final = tuple(_ODD_LIST.split())
_PLACES: Final = {word.casefold(): odd for odd, spelt in enumerate((_EVEN, _ODD)) for word in spelt}

_A_LINE: Final = 8
_ESCAPED: Final = re.compile(rf"[\\\t\n{UNSEEN}]")
_SEPARATORS: Final = re.compile(r"[\s,;.-]+")


def words(data: bytes) -> tuple[str, ...]:
    """Return one word for each byte, spelt as published."""
    return tuple((_ODD if place % 2 else _EVEN)[byte] for place, byte in enumerate(data))


def word_lines(sha256_hex: str) -> tuple[str, ...]:
    """Return a digest's 32 words in four lines of eight, with one space between two words."""
    spelt = words(bytes.fromhex(sha256_hex))
    return tuple(" ".join(spelt[start : start + _A_LINE]) for start in range(0, len(spelt), _A_LINE))


def plain(text: str) -> str:
    r"""Return text as manifests and statements have it (docs/record.md): `\` is `\\`, what is not seen is `\u{hex}`."""
    return _ESCAPED.sub(_escape, text)


def plain_value(value: str | int | bool) -> str:  # noqa: FBT001 (a value of the plan)
    """Return a value of the plan plainly; flags are `true` and `false`."""
    return str(value).lower() if isinstance(value, bool) else plain(str(value))


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return "\\\\" if character == "\\" else f"\\u{{{ord(character):x}}}"


# -- words typed back ------------------------------------------------------------------------------------------------


class Slip(Enum):
    """What happened to words on the way from one person's paper to another's keyboard."""

    UNKNOWN = "not a word of the list"
    MISSING = "left out"
    DOUBLED = "there twice"
    EXTRA = "one too many"
    SWAPPED = "swapped with the next"
    OUT_OF_STEP = "of the list for the other places"
    WRONG = "another word"


class Misheard(Struct, frozen=True, kw_only=True):
    """The first thing that is not right in words that were typed.

    Attributes:
        slip: what it is.
        place: which word, from 1, counted in what was typed; for a word that is left out, where it belongs.
        words: a sentence that says so and never gives the right word away.
    """

    slip: Slip
    place: int
    words: str


def hear(typed: str, digest: bytes) -> Misheard | None:
    """Compare words that a person typed with those of `digest`; None: they are the same.

    Case does not matter. Spaces, commas, semicolons, full stops and dashes stand between words.
    """
    heard = [word for word in _SEPARATORS.split(typed.casefold()) if word]
    right = [word.casefold() for word in words(digest)]
    place = next((at for at, pair in enumerate(zip_longest(heard, right)) if pair[0] != pair[1]), None)
    if place is None:
        return None
    slip = _slip(heard, right, place)
    return Misheard(slip=slip, place=place + 1, words=_sentence(slip, heard, place, len(right)))


def _slip(heard: list[str], right: list[str], place: int) -> Slip:
    """Name the first slip: the one that explains all that follows, or what the word itself shows."""
    rest, due = heard[place:], right[place:]
    if not rest or rest == due[1:]:
        return Slip.MISSING
    if rest[0] not in _PLACES:
        return Slip.UNKNOWN
    if place and rest[0] == heard[place - 1]:
        return Slip.DOUBLED
    if not due or rest[1:] == due:
        return Slip.EXTRA
    if len(due) > 1 and rest[:2] == [due[1], due[0]]:
        return Slip.SWAPPED
    return Slip.WRONG if _PLACES[rest[0]] == place % 2 else Slip.OUT_OF_STEP


def _sentence(slip: Slip, heard: list[str], place: int, count: int) -> str:
    which, word = f"word {place + 1} of {count}", heard[place] if place < len(heard) else ""
    match slip:
        case Slip.MISSING:
            said = f"{which} is left out" if word else f"{which} is not there: the words end before it"
        case Slip.UNKNOWN:
            near = closest(word, _PLACES)
            said = f"{which}, `{word}`, is not in the list" + (f"; perhaps `{near}` is meant" if near else "")
        case Slip.DOUBLED:
            said = f"word {place}, `{word}`, is there twice"
        case Slip.EXTRA:
            said = f"`{word}`, typed as word {place + 1}, is one too many"
        case Slip.SWAPPED:
            said = f"words {place + 1} and {place + 2}, `{word}` and `{heard[place + 1]}`, are swapped"
        case Slip.OUT_OF_STEP:
            said = f"{which} cannot be `{word}`: a word is left out, doubled or swapped near it"
        case Slip.WRONG:
            said = f"{which} is not `{word}`"
        case _:
            assert_never(slip)
    return said


# -- codes and serials typed back ------------------------------------------------------------------------------------

_ALIKE: Final = ("0Oo", "1lI", "8B", "5Ss", "2Zz")


class Unlike(Struct, frozen=True, kw_only=True):
    """The first difference between a code that was typed and the right one.

    Attributes:
        place: which character, from 1.
        alike: the two characters look alike, or are one letter in both cases.
        words: a sentence that says so; it names the right character only where `alike`.
    """

    place: int
    alike: bool
    words: str


def unlike(typed: str, expected: str) -> Unlike | None:
    """Compare a code, a serial or an id that a person typed; None: it is the same but for spaces around it."""
    got = typed.strip()
    pairs = enumerate(zip_longest(got, expected), 1)
    for place, (one, other) in pairs:
        if one != other:
            return _difference(place, one, other, len(expected))
    return None


def _difference(place: int, one: str | None, other: str | None, length: int) -> Unlike:
    if one is None:
        return Unlike(place=place, alike=False, words=f"only {place - 1} of {length} characters were typed")
    if other is None:
        return Unlike(place=place, alike=False, words=f"more than {length} characters were typed")
    if one.casefold() == other.casefold() or any(one in row and other in row for row in _ALIKE):
        words = f"character {place} is {_named(one)}, and {_named(other)} belongs there"
        return Unlike(place=place, alike=True, words=words)
    return Unlike(place=place, alike=False, words=f"character {place} is not {_named(one)}")


def _named(character: str) -> str:
    if character.isdecimal():
        return f"the digit {character}"
    if character.isalpha():
        return f"the {'capital' if character.isupper() else 'small'} letter {character}"
    return f"`{plain(character)}`"
