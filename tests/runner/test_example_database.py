"""Where examples are kept: how a place is spelled, and what becomes of one that does not work."""

import importlib
import json
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis.database import DirectoryBasedExampleDatabase

from conformance.runner import example_database as examples
from conformance.runner.example_database import (
    LONGEST,
    PASSWORD,
    LocationError,
    StoredExamples,
    check_locations,
    key_of,
    text_of,
)

from .redis_server import redis_server

KEY = key_of("provider", "epayment", "no")
ONE = {"version": 1, "profile": "epayment", "steps": [{"do": "initiate", "amount": 3476}, {"do": "cancel"}]}
TWO = {**ONE, "steps": [*ONE["steps"], {"do": "read"}]}


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", "names no place"),
        ("file", "is a file"),
        ("ro:nowhere", "is not there to be read"),
        ("github:owner", "github:OWNER/REPO"),
        ("github:../..", "github:OWNER/REPO"),
        ("http://127.0.0.1/", "redis://HOST:PORT/N"),
        ("redis://", "redis://HOST:PORT/N"),
        ("redis://:hidden@127.0.0.1/0", PASSWORD),
        ("redis://127.0.0.1:99999/0", "redis://HOST:PORT/N"),
    ],
)
def test_what_is_no_place_is_one_sentence(tmp_path, monkeypatch, place, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(LocationError, match=words) as error:
        check_locations([place])
    assert "hidden" not in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_without_its_package_redis_is_one_sentence(monkeypatch):
    there = importlib.import_module

    def without(name):
        if "redis" in name:
            raise ImportError(name)
        return there(name)

    monkeypatch.setattr(examples.importlib, "import_module", without)
    with pytest.raises(LocationError, match=r"install cancel-conformance\[redis\]"):
        check_locations(["redis://127.0.0.1:6379/0"])


@pytest.mark.parametrize("password", [None, "canary-password-0017"])
def test_a_redis_server_keeps_and_drops(monkeypatch, password):
    if password is not None:
        monkeypatch.setenv(PASSWORD, password)
    with redis_server(password) as server:
        here, there = StoredExamples((server.url,)), StoredExamples((f"ro:{server.url}",))
        here.change(KEY, [text_of(TWO), text_of(ONE)], [])
        assert there.found(KEY).histories == (ONE, TWO)
        there.change(KEY, [], [text_of(ONE)])
        assert here.found(KEY).histories == (ONE, TWO)
        here.change(KEY, [], [text_of(ONE)])
        assert there.found(KEY).histories == (TWO,)
        assert here.told() == there.told() == []
        assert any(server.sets.values())


def test_a_server_that_is_away_is_told_once_and_the_others_are_used(tmp_path, free_port, monkeypatch):
    monkeypatch.setattr(examples, "SECONDS", 0.5)
    place = f"redis://127.0.0.1:{free_port}/0"
    both = StoredExamples((str(tmp_path / "here"), place))
    both.change(KEY, [text_of(ONE)], [])
    assert both.found(KEY).histories == (ONE,)
    (told,) = both.told()
    assert told.startswith(f"{place} could not be written (")
    assert both.told() == []


def test_a_refused_password_is_told_without_it(monkeypatch):
    monkeypatch.setenv(PASSWORD, "canary-password-0018")
    with redis_server("another") as server:
        shared = StoredExamples((server.url,))
        assert shared.found(KEY).histories == ()
        (told,) = shared.told()
    assert "could not be read" in told
    assert "canary" not in told


def test_what_was_not_written_is_not_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(DirectoryBasedExampleDatabase, "save", lambda *_: None)
    shared = StoredExamples((str(tmp_path / "here"),))
    shared.change(KEY, [text_of(ONE)], [])
    assert shared.told() == [f"{tmp_path / 'here'} could not be written (what was saved is not there)"]


def test_entries_that_are_none_of_ours_are_left_alone(tmp_path):
    database = DirectoryBasedExampleDatabase(tmp_path)
    strange = [b"", b"\xff\x00", b"[]", b"{", b"[" * 5000, b'{"a": 1}', b'{"a":"' + b"x" * LONGEST + b'"}']
    for value in (*strange, text_of(ONE).encode()):
        database.save(KEY, value)
    shared = StoredExamples((f"ro:{tmp_path}",))
    found = shared.found(KEY)
    assert (found.histories, found.unread) == ((ONE,), len(strange))
    assert set(database.fetch(KEY)) >= set(strange)


def artifact(folder, home):
    """Pack a directory's examples as an artifact of GitHub is, into Hypothesis's cache."""
    cache = home / examples.CACHE / "owner" / "repo" / "found"
    cache.mkdir(parents=True)
    name = datetime.now(UTC).isoformat().replace(":", "_")
    with zipfile.ZipFile(cache / f"{name}.zip", "w") as packed:
        for path in folder.rglob("*"):
            packed.write(path, path.relative_to(folder))


def test_an_artifact_of_github_is_read_and_never_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    StoredExamples(("there",)).change(KEY, [text_of(ONE)], [])
    artifact(tmp_path / "there", tmp_path)
    shared = StoredExamples(("github:owner/repo/found", "here"))
    assert shared.found(KEY).histories == (ONE,)
    shared.change(KEY, [text_of(TWO)], [text_of(ONE)])
    assert shared.found(KEY).histories == (ONE, TWO)
    assert StoredExamples(("here",)).found(KEY).histories == (TWO,)
    assert shared.told() == []


def test_github_that_does_not_answer_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(examples.GitHubArtifactDatabase, "_fetch_artifact", lambda _: None)
    shared = StoredExamples(("github:owner/repo",))
    assert shared.found(KEY).histories == ()
    (told,) = shared.told()
    assert "github:owner/repo could not be read" in told


def test_a_spoilt_artifact_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    StoredExamples(("there",)).change(KEY, [text_of(ONE)], [])
    artifact(tmp_path / "there", tmp_path)
    (packed,) = tmp_path.rglob("*.zip")
    packed.write_bytes(b"no zip at all")
    shared = StoredExamples(("github:owner/repo/found",))
    assert shared.found(KEY).histories == ()
    assert "invalid" in shared.told()[0]


def test_the_one_form_of_a_history_does_not_depend_on_its_order():
    assert text_of(json.loads(json.dumps(dict(reversed(ONE.items()))))) == text_of(ONE)
