"""What is read fast is what is read with care: line by line, record by record, by one process and by two."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import synthetic
import test_rec_exceptions as exceptions
import test_rec_signed_attacks as signed_attacks
import test_rec_sittings as sittings
import test_rec_story_attacks as story_attacks
from changes import Change, statement, together
from hypothesis import example, given, settings
from hypothesis import strategies as st
from synthetic import Written, device, write
from typing_extensions import override

from runner import canonical
from runner.verification import companion as companion_module
from runner.verification import folder as folder_module
from runner.verification.checkpoints import Checkpoints
from runner.verification.companion import Doubt, can_help, read_with_companion
from runner.verification.folder import Folder
from runner.verification.kinds import KINDS, REPLIES
from runner.verification.log import LONGEST, Entry, Recogniser, read_line, read_log
from runner.verification.reading import fit
from runner.verification.signers import CLOSE
from runner.verification.spelling import Spelling, fastest, standard
from runner.verification.tree import Tree
from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

RARE = {"ceremony.opened", "ceremony.resumed", "station.handed_over", "ceremony.closed", "break.begun", "break.ended"}
NEVER = 1 << 60


def refuse(text: object) -> Any:
    """Recognise nothing, so that every line is read with care."""
    raise ValueError(text)


WITH_CARE = Spelling(parse=refuse, spell=refuse)
QUICK = [standard(), fastest()]


def test_the_fast_way_is_tested_here() -> None:
    assert fastest() != standard()


# -- one line --------------------------------------------------------------------------------------------------------


def agree(line: bytes) -> bool:
    """Hold both quick ways to the careful one, and say whether the line was recognised by both."""
    piece = line + b"\n"
    with_care = read_line(7, piece, 11)
    recognised = [Recogniser(spelling).recognise(piece, 11) for spelling in QUICK]
    for entry in recognised:
        if entry is not None:
            assert entry._replace(fitted=False) == with_care
            if entry.type == "request":
                fit(entry.data["request"], KINDS[entry.data["kind"]].fields, "")
            if entry.type == "reply":
                fit(entry.data["reply"], REPLIES[entry.data["kind"]], "")
    assert len({entry is None for entry in recognised}) == 1
    return recognised[0] is not None


def test_nearly_every_line_is_recognised(pristine: Written, pristine_signed: Written) -> None:
    for line in [*pristine.lines, *pristine_signed.lines]:
        assert agree(line) is (json.loads(line)["type"] not in RARE)


REPLY: dict[str, Any] = {
    "v": 1,
    "seq": 7,
    "prev": "ab" * 32,
    "time": "2026-11-25T18:23:05.123456Z",
    "mono_us": 12,
    "boot": "00000000deadbeef",
    "type": "reply",
    "step": "obtain",
    "attempt": 1,
    "actors": ["dana", "emil"],
    "data": {"to": 6, "kind": "value_given", "reply": {"value": "A 12", "person": "dana"}, "device": None},
}
LINE = canonical.encode(REPLY).decode()
FAILED = {"rule": "RUN002", "status": None, "result": "size", "expected": 1, "found": 2}
FAILED_LINE = canonical.encode({**REPLY, "type": "step.failed", "data": FAILED}).decode()


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"A 12"', '"\\u0041 12"'),
        ('"A 12"', '"A \\/ 12"'),
        ('"A 12"', '"A \x7f 12"'),
        ('"A 12"', '"A \\u007f 12"'),
        ('"A 12"', '"\\ud800"'),
        ('"A 12"', '"\\ud83d\\ude00"'),
        ('"A 12"', '"\t"'),
        ('"A 12"', '"\\u0009"'),
        ('"A 12"', '"\\u001F"'),
        ('"A 12"', '"\\x"'),
        ('"A 12"', "1.5"),
        ('"A 12"', "1e3"),
        ('"A 12"', "NaN"),
        ('"A 12"', "null"),
        ('"A 12"', '"A 12","value":"A 12"'),
        ('"A 12"', '"A 12","Value":"A 12"'),
        ('"A 12"', '"A 12","zz":' + deep(31)),
        ('"A 12"', '"A 12","zz":' + deep(2000)),
        ('"A 12"', '"A 12"},"zz":{"prev":""'),
        ('"A 12"', '"' + "A" * LONGEST + '"'),
        ('"to":6', '"to":6.0'),
        ('"to":6', '"to":-0'),
        ('"to":6', '"to":06'),
        ('"to":6', '"to":true'),
        ('"to":6', f'"to":{2**53}'),
        ('"to":6', f'"to":{2**64}'),
        ('"to":6', f'"to":{10**400}'),
        ('"to":6', '"to":6,"to":6'),
        ('"device":null', '"device":{}'),
        ('"value_given"', '"no_such_kind"'),
        ('"value_given"', '"exception_granted"'),
        ('"reply","v"', '"replies","v"'),
        ('"dana","emil"', '"emil","dana"'),
        ('"dana","emil"', '"dana","dana"'),
        ('"dana","emil"', '"dana", "emil"'),
        ('"dana","emil"', '"Dana","emil"'),
        ('"dana","emil"', '"dana","emil",'),
        ('"attempt":1', '"attempt":0'),
        ('"attempt":1', '"attempt":null'),
        ('"attempt":1', '"attempt":01'),
        ('"attempt":1', f'"attempt":{2**53}'),
        ('"attempt":1', '"attempt":1.0'),
        ('"mono_us":12', '"mono_us":-1'),
        ('"mono_us":12', '"mono_us":1_2'),
        ('"mono_us":12', f'"mono_us":{2**53}'),
        ('"mono_us":12', '"mono_us":\u0661'),
        ('"seq":7', '"seq":7.0'),
        ('"step":"obtain"', '"step":null'),
        ('"step":"obtain"', '"step":"Obtain"'),
        ('"step":"obtain"', '"step":"obtain\\n"'),
        ('"v":1', '"v":true'),
        ('"v":1', '"v":2'),
        ('"v":1', '"v":1 '),
        ('"v":1', '"v":1,"w":1'),
        ('"actors"', '"a":1,"actors"'),
        ("2026-11-25T18", "2026-11-31T18"),
        ("2026-11-25T18", "2026-11-25T24"),
        ("2026-11-25T18", "2026-11-25 18"),
        ("05.123456Z", "05.123456"),
        ("05.123456Z", "60.123456Z"),
        ("05.123456Z", "05.\u0661\u0662\u06633456Z"),
        ("abab", "ABab"),
        ("deadbeef", "deadbee"),
        (',"mono_us":12', ""),
        (',"mono_us":12', ',"mono_us":12,"mono_us":12'),
        ('{"actors"', ' {"actors"'),
        ('"data":{', '"data":{"actors":[],'),
        ('"device":null', '"device":null},"mono_us":1,"zz":{"a":1'),
    ],
)
def test_a_line_that_is_off_by_little_is_not_recognised(old: str, new: str) -> None:
    assert agree(LINE.encode())
    changed = LINE.replace(old, new, 1)
    assert changed != LINE
    assert not agree(changed.encode(errors="surrogatepass"))


@pytest.mark.parametrize("value", ["é", "\u2028", "\U0001f600", '\\"', "\\n", "\\u0000", "\\\\", '\\",\\"prev\\":\\"'])
def test_text_may_hold_anything_that_is_spelt_in_the_one_way(value: str) -> None:
    assert agree(LINE.replace("A 12", value).encode())


@pytest.mark.parametrize("found", ["2.0", "1e2", str(2**53), str(-(2**53)), "[]", "{}", "-0", "02", '"\x7f"'])
def test_a_result_is_of_a_canonical_type(found: str) -> None:
    assert agree(FAILED_LINE.encode())
    assert agree(FAILED_LINE.replace('"found":2', f'"found":{2**53 - 1}').encode())
    assert not agree(FAILED_LINE.replace('"found":2', f'"found":{found}').encode())


def test_bytes_that_are_no_text_are_not_recognised() -> None:
    assert not agree(LINE.encode().replace(b"A 12", b"\xff"))
    assert not agree(LINE.encode().replace(b"A 12", b"\xed\xa0\x80"))
    assert not agree(b"")


def test_the_inventory_of_a_device_is_sorted() -> None:
    shown = device("hsm", 4)
    for keys, fits in ([], True), (["a/b/c", "a/b/d"], True), (["a/b/d", "a/b/c"], False), (["a", "a"], False):
        shown["inventory"]["keys"] = keys
        made = {**REPLY["data"], "device": shown}
        assert agree(canonical.encode({**REPLY, "data": made})) is fits


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["dana", "x" * 64]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def put(value: Any, data: st.DataObject) -> Any:
    """Put another value somewhere into a value, or take something away."""
    places: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    place = data.draw(st.sampled_from(places))
    inner = value[place]
    if isinstance(inner, dict | list) and inner and data.draw(st.booleans()):
        put(inner, data)
    elif isinstance(value, dict) and data.draw(st.integers(0, 3)) == 0:
        value[data.draw(st.sampled_from(["zz", "Zz", "prev", "device"]))] = value.pop(place)
    else:
        value[place] = data.draw(VALUES)
    return value


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_what_is_recognised_is_what_is_read_with_care(pristine_signed: Written, data: st.DataObject) -> None:
    entry = json.loads(data.draw(st.sampled_from(pristine_signed.lines)))
    put(entry, data)
    agree(json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass"))


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_so_it_is_with_any_byte_changed_cut_or_doubled(pristine_signed: Written, data: st.DataObject) -> None:
    line = bytearray(data.draw(st.sampled_from(pristine_signed.lines)))
    place = data.draw(st.integers(0, len(line) - 1))
    match data.draw(st.sampled_from(["change", "cut", "double", "write"])):
        case "change":
            line[place] ^= data.draw(st.integers(1, 255))
        case "cut":
            del line[place]
        case "double":
            line[place:place] = line[place : place + data.draw(st.integers(1, 30))]
        case _:
            line[place:place] = data.draw(st.sampled_from([b" ", b"0", b".0", b"e1", b"\\u0041", b"\x7f", b"-", b'"']))
    agree(bytes(line))


# -- whole records ---------------------------------------------------------------------------------------------------


def judged(record: Written, **how: Any) -> Verdict:
    begun = [entry["data"]["log_key"] for entry in record.entries() if "log_key" in entry["data"]]
    known = [key for key in dict.fromkeys(begun) if key.startswith(f"{synthetic.ORIGIN}+")]
    base = record.folder.parent / "every way"
    base.mkdir(exist_ok=True)
    trust = synthetic.trust_file(base, record.key, log_keys=known, people=_people(record))
    return verify(record.folder, trust, rehearsal=True, **how)


def _people(record: Written) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(record.trust.read_bytes())["people"]
    return found


def every_way(record: Written) -> Verdict:
    """Return the verdict, which is the same in every way: of one process and of two, however JSON is parsed."""
    with_care = judged(record, spelling=WITH_CARE, big=NEVER)
    ways: list[dict[str, Any]] = [
        {"spelling": standard(), "big": NEVER},
        {"spelling": fastest(), "big": NEVER},
        {"big": 0},
    ]
    for how in ways:
        assert judged(record, **how) == with_care
    return with_care


CORPUS: dict[str, tuple[Change, dict[str, Any]]] = {
    **{f"story, {name}": (attack[0], {}) for name, attack in story_attacks.ATTACKS.items()},
    **{f"signed, {name}": (attack[0], {"signed": True}) for name, attack in signed_attacks.IN_ROOM.items()},
    "signature, with another's key": (
        statement("generate", "consent", "dana", signer="bram"),
        {"signed": True},
    ),
    "signature, for another purpose": (
        statement("generate", "consent", "dana", namespace=CLOSE),
        {"signed": True},
    ),
    **{
        f"crash, {name}": (together(sittings.crash, attack[0]), {"signed": True})
        for name, attack in sittings.CRASHES.items()
    },
    **{f"resolution, {name}": (attack[0], {"signed": True}) for name, attack in sittings.RESOLUTIONS.items()},
    **{f"hand-over, {name}": (attack[0], {"signed": True}) for name, attack in sittings.HAND_OVERS.items()},
    **{f"declining, {name}": (attack[0], {"signed": True}) for name, attack in sittings.DECLINING.items()},
    **{
        f"exception, {name}": (attack[0], {"signed": True, "change_plan": exceptions.may_ask})
        for name, attack in exceptions.EXCEPTIONS.items()
    },
    **{f"substitution, {name}": (attack[0], {"signed": True}) for name, attack in exceptions.SUBSTITUTIONS.items()},
}


@pytest.mark.slow
@pytest.mark.parametrize("attack", list(CORPUS))
def test_an_attack_is_seen_alike_in_every_way(tmp_path: Path, attack: str) -> None:
    change, fields = CORPUS[attack]
    assert every_way(write(tmp_path, change=change, **fields)).findings


def test_a_good_record_is_good_in_every_way(pristine: Written, pristine_signed: Written) -> None:
    assert every_way(pristine).outcome is Outcome.VALID
    assert every_way(pristine_signed).outcome is Outcome.VALID


@pytest.mark.parametrize("place", [0, 1, 2, 30, 65, 66])
def test_a_broken_log_is_seen_alike_in_every_way(record: Written, place: int) -> None:
    lines, log = record.lines, record.folder / "log.jsonl"
    edited = lines[place].replace(b".000000Z", b".000001Z", 1)
    for changed in (
        [*lines[:place], edited, *lines[place + 1 :]],
        [*lines[:place], lines[place].replace(b",", b", ", 1), *lines[place + 1 :]],
        [*lines[:place], lines[place].replace(b'"v":1', b'"v":2'), *lines[place + 1 :]],
        [*lines[:place], *lines[place + 1 :]],
        [*lines[: place + 1], *lines[place:]],
        [*lines[:place], b"x" * LONGEST, *lines[place + 1 :]],
        lines[:place],
    ):
        log.write_bytes(b"".join(line + b"\n" for line in changed))
        synthetic.sums(record.folder)
        assert every_way(record).outcome is not Outcome.VALID
    log.write_bytes(b"\n".join(lines[: place + 1]))
    synthetic.sums(record.folder)
    assert every_way(record).outcome is not Outcome.VALID


@pytest.mark.parametrize("size", [1, 33, 47])
def test_a_checkpoint_that_is_missed_is_missed_in_every_way(tmp_path: Path, size: int) -> None:
    gone = write(tmp_path, without=frozenset({size}))
    assert "LOG012" in {finding.rule for finding in every_way(gone).findings}


# -- the companion ---------------------------------------------------------------------------------------------------


def with_companion(record: Folder) -> list[Entry | Checkpoints]:
    return [*read_with_companion(record, "log.jsonl", Checkpoints(), fastest())]


def test_two_processes_read_what_one_reads(pristine: Written) -> None:
    assert can_help()
    *entries, checkpoints = with_companion(Folder(pristine.folder))
    one = [*read_log(Folder(pristine.folder).lines("log.jsonl"), WITH_CARE)]
    assert all(isinstance(entry, Entry) for entry in one)
    assert [entry._replace(leaf=b"", fitted=True) for entry in one if isinstance(entry, Entry)] == entries
    assert isinstance(checkpoints, Checkpoints)
    assert checkpoints.tree.size == len(pristine.lines)


class TwoFaced(Folder):
    """A record whose log is another one in the companion."""

    @override
    def lines(self, name: str, told: Callable[[bytes], None] = lambda _read: None) -> Generator[bytes, None, None]:
        if os.getpid() != OURS:
            yield from super().lines(name, told)
            return
        content = (self._path / name).read_bytes().replace(b'"A 12"', b'"A 13"')
        told(hashlib.sha256(content).digest())
        yield from content.splitlines(keepends=True)


OURS = os.getpid()


def test_what_the_companion_did_not_read_is_not_believed(pristine: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_rec_fast.OURS", os.getpid())
    items = read_with_companion(TwoFaced(pristine.folder), "log.jsonl", Checkpoints(), fastest())
    with pytest.raises(Doubt):
        next(items)


def test_a_companion_that_is_gone_vouches_for_nothing(pristine: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companion_module, "_vouch", lambda *_told: None)
    with pytest.raises(Doubt):
        with_companion(Folder(pristine.folder))
    assert verify(pristine.folder, pristine.trust, rehearsal=True, big=0).outcome is Outcome.VALID


@pytest.mark.parametrize("what", ["Pipe", "get_context"])
def test_where_no_process_can_be_made_one_reads_it(
    pristine: Written, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """There are no descriptors, or no processes, left."""

    class Context:
        @staticmethod
        def Process(**_: object) -> Context:  # noqa: N802 (as in multiprocessing)
            return Context()

        @staticmethod
        def start() -> None:
            raise BlockingIOError

    def no_pipe(**_: object) -> None:
        raise OSError

    made = {"Pipe": no_pipe, "get_context": lambda _: Context()}[what]
    monkeypatch.setattr(companion_module.multiprocessing, what, made)
    with pytest.raises(Doubt):
        with_companion(Folder(pristine.folder))
    assert verify(pristine.folder, pristine.trust, rehearsal=True, big=0).outcome is Outcome.VALID


@pytest.mark.parametrize("broken", [EOFError, OSError])
def test_a_word_that_breaks_off_vouches_for_nothing(broken: type[Exception]) -> None:
    class Ours:
        def recv(self) -> object:
            raise broken

    with pytest.raises(Doubt):
        companion_module._receive(Ours())  # type: ignore[arg-type]


def test_without_cores_to_count_one_process_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert not can_help()


@pytest.mark.parametrize("more", [(), (b"",)])
def test_all_of_the_log_is_vouched_for_with_its_checkpoints(
    pristine: Written, monkeypatch: pytest.MonkeyPatch, more: tuple[bytes, ...]
) -> None:
    def vouch(theirs: Any, record: Folder, name: str, *_rest: object) -> None:
        for _line in record.lines(name, theirs.send):
            pass
        for told in more:
            theirs.send(told)

    monkeypatch.setattr(companion_module, "_vouch", vouch)
    with pytest.raises(Doubt):
        with_companion(Folder(pristine.folder))


def test_a_log_that_is_not_there_is_missed_with_two_processes_too(record: Written) -> None:
    (record.folder / "log.jsonl").unlink()
    assert every_way(record).outcome is Outcome.INCOMPLETE


# -- lines and tree --------------------------------------------------------------------------------------------------


@given(content=st.lists(st.sampled_from([b"a", b"bc" * 5, b"\n", b"\r", b"d" * 20]), max_size=30).map(b"".join))
@example(content=b"d" * 20 + b"\n")
@example(content=b"d" * 21)
@settings(max_examples=300, deadline=None)
def test_lines_are_given_whole_or_too_long(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    longest = 21
    folder = tmp_path_factory.mktemp("lines")
    (folder / "log.jsonl").write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder_module, "LONGEST", longest)
        patch.setattr(folder_module, "_CHUNK", 7)
        record = Folder(folder)
        given_lines = [*record.lines("log.jsonl")]
    due = [line + b"\n" for line in content.split(b"\n")[:-1]] + [last for last in [content.split(b"\n")[-1]] if last]
    for place, line in enumerate(given_lines):
        if len(line) > longest:
            assert due[place].startswith(line)
            assert place == len(given_lines) - 1 or line == due[place]
        else:
            assert line == due[place]
    assert len(given_lines) == len(due) or len(given_lines[-1]) > longest
    found = record.digest("log.jsonl")
    assert found is not None
    assert (found.size, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("content", [b"x" * 500_000, b"ab\n" + b"x" * 500_000 + b"\nab\n"])
def test_a_line_without_an_end_is_not_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.jsonl").write_bytes(content)
    record = Folder(tmp_path)
    assert len([*record.lines("log.jsonl")][-1]) == LONGEST + 1
    found = record.digest("log.jsonl")
    assert found is not None
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def root_of(leaves: list[bytes]) -> bytes:
    """Return the root as RFC 6962, section 2.1, defines it."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


@given(looks=st.sets(st.integers(0, 80)))
@settings(deadline=None)
def test_a_tree_has_its_root_whenever_one_looks(looks: set[int]) -> None:
    tree, leaves = Tree(), list[bytes]()
    for number in range(81):
        if number in looks:
            assert tree.root() == root_of(leaves)
            assert tree.root_with(b"x" * 32) == root_of([*leaves, b"x" * 32])
        leaves.append(hashlib.sha256(bytes([number])).digest())
        tree.grow(leaves[-1])
    assert (tree.root(), tree.size) == (root_of(leaves), 81)


@pytest.mark.parametrize("size", [1023, 1024, 1025, 2049])
def test_a_tree_of_many_leaves_that_waited_has_its_root(size: int) -> None:
    tree = Tree()
    leaves = [hashlib.sha256(number.to_bytes(4)).digest() for number in range(size)]
    for leaf in leaves:
        tree.grow(leaf)
    assert tree.root() == root_of(leaves)
