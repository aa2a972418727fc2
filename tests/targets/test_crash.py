"""What an exception says to the author of the code that raised it."""

import json
import sys
import textwrap

import pytest

from conformance.targets.crash import LONGEST_LINE, MOST_CAUSES, MOST_FRAMES, crash_text, located, place_of
from conformance.targets.event_loop_thread import EventLoopThread, RaisedError


@pytest.fixture
def author(tmp_path, monkeypatch):
    """Return a function that writes the author's module, calls its ``act`` and returns what it raised."""
    monkeypatch.chdir(tmp_path)

    def raised_by(code, folder="."):
        path = tmp_path / folder / "shop.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(code))
        namespace = {}
        exec(compile(path.read_text(), str(path), "exec"), namespace)
        with pytest.raises((KeyError, ValueError)) as error:
            namespace["act"]()
        return error.value

    return raised_by


def test_the_author_s_frames_are_shown_from_the_innermost_outwards_without_the_test_s_own(author, monkeypatch):
    error = author("""
        def act():
            return find("o-1")

        def find(order):
            return {}[order]
    """)
    lines = crash_text(error).splitlines()
    assert lines[:3] == [
        "KeyError: 'o-1'",
        "  shop.py:6, in find: return {}[order]",
        '  shop.py:3, in act: return find("o-1")',
    ]
    assert place_of(error) == "shop.py:6"
    assert located(error) == "KeyError: 'o-1' (at shop.py:6)"


def test_what_a_library_raised_stands_behind_the_author_s_frames(author):
    error = author("""
        import json

        def act():
            json.loads("{")
    """)
    first, own, *_, library = crash_text(error).splitlines()
    assert first.startswith("JSONDecodeError: ")
    assert own == '  shop.py:5, in act: json.loads("{")'
    assert library.startswith("  raised in json/decoder.py:")
    assert place_of(error) == "shop.py:5"


def test_causes_follow_and_recursion_is_cut(author):
    error = author("""
        def act(n=30):
            if n:
                act(n - 1)
            try:
                {}["a"]
            except KeyError as cause:
                raise ValueError("no order") from cause
    """)
    text = crash_text(error)
    assert "caused by KeyError: 'a'" in text
    assert f"  … {len(_frames_of(error)) - MOST_FRAMES} more" in text
    assert len(text.splitlines()) <= MOST_CAUSES * (MOST_FRAMES + 3)


def _frames_of(error):
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    return frames


def test_a_long_message_is_cut_and_stays_in_its_line(author):
    error = author("""
        def act():
            raise ValueError("a\\n" * 500)
    """)
    first = crash_text(error).splitlines()[0]
    assert len(first) <= LONGEST_LINE + len("ValueError: ")


def test_of_a_file_elsewhere_only_the_end_of_the_path_is_shown(author, tmp_path, monkeypatch):
    error = author("def act(): {}['a']", folder="home/somebody/project")
    monkeypatch.chdir(tmp_path / "home")
    assert place_of(error) == "somebody/project/shop.py:1"
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert place_of(error) == "project/shop.py:1"


def test_an_installed_library_is_no_code_of_the_author_s(author):
    error = author("def act(): {}['a']", folder=".venv/lib/python3.11/site-packages/client")
    assert "  raised in client/shop.py:1, in act" in crash_text(error)


def test_a_syntax_error_is_placed_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "not_python.py").write_text("\ndef f(:\n")
    with pytest.raises(SyntaxError) as error:
        __import__("not_python")
    assert place_of(error.value) == "not_python.py:2"
    assert located(error.value) == "SyntaxError: invalid syntax (at not_python.py:2)"


def test_what_runs_in_a_thread_of_the_suite_s_is_shown_without_the_suite():
    thread = EventLoopThread()
    try:
        with pytest.raises(RaisedError) as error:
            thread.call_now(json.loads, 5.0, "{")
    finally:
        thread.close()
    assert "event_loop_thread" not in error.value.crash
    assert error.value.crash.startswith("JSONDecodeError: ")
    assert "raised in json/" in error.value.crash
    assert sys.prefix not in error.value.crash
