"""The example database: how a directory is named, what is read and written, and what happens where it cannot be."""

import json
import re

import pytest
from hypothesis.database import DirectoryBasedExampleDatabase

from conformance.errors import UsageError
from conformance.runner.example_database import LONGEST, ExampleDatabase, check_locations, key_of, text_of

KEY = key_of("provider", "epayment", "no")
ONE = {"version": 1, "profile": "epayment", "steps": [{"do": "initiate", "amount": 3476}, {"do": "cancel"}]}
TWO = {**ONE, "steps": [*ONE["steps"], {"do": "read"}]}


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("", "names no directory"),
        ("ro:", "names no directory"),
        ("file", "is a file: name a directory"),
        ("ro:nowhere", "is not there to be read"),
        ("redis://:hidden@127.0.0.1/0", "takes a directory and nothing at redis: name a directory; CI can restore it"),
        ("ro:rediss://127.0.0.1:6379/0", "takes a directory and nothing at rediss: name a directory"),
        ("github:owner/repo/artifact", "takes a directory and nothing at github: name a directory"),
        ("http://127.0.0.1/", "takes a directory and nothing at http: name a directory"),
    ],
)
def test_what_is_not_a_directory_is_one_sentence(tmp_path, monkeypatch, location, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=re.escape(words)) as error:
        check_locations([location])
    assert "hidden" not in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_location_is_named_once(tmp_path):
    assert check_locations([f"{tmp_path}", f"ro:{tmp_path}", f"{tmp_path}"]) == (f"{tmp_path}", f"ro:{tmp_path}")


def test_a_directory_keeps_and_drops_and_a_read_only_one_stays_as_it_is(tmp_path):
    here, there = ExampleDatabase([str(tmp_path)]), ExampleDatabase([f"ro:{tmp_path}"])
    here.change(KEY, [text_of(TWO), text_of(ONE)], [])
    assert there.read(KEY).histories == (ONE, TWO)
    there.change(KEY, [], [text_of(ONE)])
    assert here.read(KEY).histories == (ONE, TWO)
    here.change(KEY, [], [text_of(ONE)])
    assert there.read(KEY).histories == (TWO,)
    assert here.take_failures() == there.take_failures() == []


def test_several_directories_are_read_as_one_and_all_but_the_read_only_ones_are_written(tmp_path):
    ExampleDatabase([str(tmp_path / "ci")]).change(KEY, [text_of(ONE)], [])
    both = ExampleDatabase([f"ro:{tmp_path / 'ci'}", str(tmp_path / "own")])
    both.change(KEY, [text_of(TWO)], [text_of(ONE)])
    assert both.read(KEY).histories == (ONE, TWO)
    assert ExampleDatabase([str(tmp_path / "own")]).read(KEY).histories == (TWO,)


def test_what_was_not_written_is_reported_once(tmp_path, monkeypatch):
    monkeypatch.setattr(DirectoryBasedExampleDatabase, "save", lambda *_: None)
    database = ExampleDatabase([str(tmp_path / "here")])
    database.change(KEY, [text_of(ONE)], [])
    database.change(KEY, [text_of(TWO)], [])
    assert database.take_failures() == [f"{tmp_path / 'here'} could not be written (what was saved is not there)"]
    assert database.take_failures() == []


def test_a_directory_that_cannot_be_read_is_reported_and_the_others_are_used(tmp_path, monkeypatch):
    ExampleDatabase([str(tmp_path / "good")]).change(KEY, [text_of(ONE)], [])
    fetch = DirectoryBasedExampleDatabase.fetch

    def failing(self, key):
        if self.path.name == "bad":
            raise PermissionError(13, "Permission denied")
        return fetch(self, key)

    monkeypatch.setattr(DirectoryBasedExampleDatabase, "fetch", failing)
    database = ExampleDatabase([str(tmp_path / "bad"), str(tmp_path / "good")])
    assert database.read(KEY).histories == (ONE,)
    assert database.take_failures() == [f"{tmp_path / 'bad'} could not be read (Permission denied)"]


def test_entries_that_are_none_of_ours_are_left_alone(tmp_path):
    database = DirectoryBasedExampleDatabase(tmp_path)
    strange = [b"", b"\xff\x00", b"[]", b"{", b"[" * 5000, b'{"a": 1}', b'{"a":"' + b"x" * LONGEST + b'"}']
    for value in (*strange, text_of(ONE).encode()):
        database.save(KEY, value)
    stored = ExampleDatabase([f"ro:{tmp_path}"]).read(KEY)
    assert (stored.histories, stored.unread) == ((ONE,), len(strange))
    assert set(database.fetch(KEY)) >= set(strange)


def test_the_one_form_of_a_history_does_not_depend_on_its_order():
    assert text_of(json.loads(json.dumps(dict(reversed(ONE.items()))))) == text_of(ONE)
