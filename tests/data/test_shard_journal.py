"""The journal of a shard: what is kept after whatever may happen to a process or a machine."""

import tarfile

import pytest

from mmtts import InputError
from mmtts.data.shard_journal import AUDIO, JOURNAL, ShardJournal

ROWS = {name: {"id": name, "source": "s", "audio": f"audio/c/{name}.flac"} for name in "abc"}


def sound(row: dict, folder) -> bytes:
    start, size = row["at"]
    return (folder / AUDIO).read_bytes()[start : start + size]


def fill(folder, names: str = "ab") -> None:
    with ShardJournal(folder) as journal:
        for name in names:
            journal.append(ROWS[name], name.encode() * 600)


def test_what_was_appended_is_there_and_the_sound_is_an_archive(tmp_path):
    fill(tmp_path)
    with ShardJournal(tmp_path) as journal:
        journal.append({"id": "bad", "source": "t", "skipped": "is silent"}, None)
        assert sound(journal.row("b"), tmp_path) == b"b" * 600
        entries = {name: (of.source, of.skipped) for name, of in journal.entries.items()}
    assert entries == {"a": ("s", False), "b": ("s", False), "bad": ("t", True)}
    with tarfile.open(tmp_path / AUDIO) as tar:
        assert tar.getnames() == ["audio/c/a.flac", "audio/c/b.flac"]
        assert tar.extractfile("audio/c/b.flac").read() == b"b" * 600


def test_opening_alone_changes_nothing(tmp_path):
    fill(tmp_path)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    with ShardJournal(tmp_path):
        pass
    assert before == {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()}


def test_a_half_written_line_and_sound_of_no_line_are_overwritten(tmp_path):
    fill(tmp_path)
    whole = (tmp_path / AUDIO).stat().st_size
    with (tmp_path / JOURNAL).open("a") as file:
        file.write('{"id": "c", "source')
    with (tmp_path / AUDIO).open("ab") as file:
        file.write(b"half of a member" * 500)
    fill(tmp_path, "c")
    with ShardJournal(tmp_path) as journal:
        assert sorted(journal.entries) == ["a", "b", "c"]
        assert sound(journal.row("c"), tmp_path) == b"c" * 600
    assert (tmp_path / AUDIO).stat().st_size == whole + 3 * 512  # a header and two blocks
    with tarfile.open(tmp_path / AUDIO) as tar:
        assert len(tar.getnames()) == 3


def test_the_last_line_of_a_clip_counts(tmp_path):
    fill(tmp_path)
    with ShardJournal(tmp_path) as journal:
        journal.append({**ROWS["a"], "source": "new"}, b"new")
    with ShardJournal(tmp_path) as journal:
        assert journal.entries["a"].source == "new"
        assert sound(journal.row("a"), tmp_path) == b"new"
        assert sound(journal.row("b"), tmp_path) == b"b" * 600


def test_a_line_whose_sound_is_lost_never_counts_again(tmp_path):
    fill(tmp_path)
    with (tmp_path / AUDIO).open("r+b") as file:
        file.truncate(2000)  # all of a, of b the header
    with ShardJournal(tmp_path) as journal:
        assert list(journal.entries) == ["a"]
        journal.append(ROWS["c"], b"c" * 600)
    with ShardJournal(tmp_path) as journal:
        assert {name: of.source for name, of in journal.entries.items()} == {
            "a": "s", "b": "", "c": "s",
        }  # fmt: skip
        assert sound(journal.row("c"), tmp_path) == b"c" * 600


def test_one_process_at_a_time(tmp_path):
    with ShardJournal(tmp_path), pytest.raises(InputError, match="another process"):
        ShardJournal(tmp_path)
    fill(tmp_path)
