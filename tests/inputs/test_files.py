"""Files that are read: regular ones, no larger than is said, and one sentence about every other."""

import os
import socket
from pathlib import Path

import pytest

from conformance.inputs.files import InputError, UnreadableError, read_bytes, read_text


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "x"


def test_a_file_is_read_through_a_link_too(path):
    path.write_bytes(b"abc")
    link = path.with_name("link")
    link.symlink_to(path)
    assert read_bytes(link, 3) == b"abc"
    with pytest.raises(InputError, match=r"x is larger than 2e-06 MB"):
        read_bytes(path, 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.mkdir(), "it is a folder. Name a file"),
        (os.mkfifo, "it is a pipe"),
        (lambda path: socket.socket(socket.AF_UNIX).bind(path.name), "it is a socket"),
        (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
        (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
        (lambda path: path.symlink_to("x"), "symbolic links"),
        (lambda path: path.symlink_to("/proc/self/mem"), "Input/output error"),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_no_file_is_named(path, make, words):
    make(path)
    with pytest.raises(UnreadableError, match=f"x cannot be read: .*{words}"):
        read_bytes(path)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b\udfff"])
def test_a_name_that_no_file_has_is_named(path, name):
    with pytest.raises(UnreadableError, match="cannot be read"):
        read_bytes(path / name)


def test_a_file_that_says_it_is_empty_is_bounded_all_the_same():
    assert Path("/proc/self/maps").stat().st_size == 0
    with pytest.raises(InputError, match="larger than"):
        read_bytes(Path("/proc/self/maps"), 10)


def test_a_file_of_five_gigabytes_is_refused_before_it_is_read(path):
    with path.open("wb") as file:
        file.truncate(5_000_000_000)
    with pytest.raises(InputError, match="larger than 1 MB, the most that is read"):
        read_bytes(path)


def test_text_is_utf_8(path):
    path.write_bytes("\ufeffå".encode())
    assert read_text(path, "a page", encoding="utf-8-sig") == "å"
    path.write_bytes(b"\xff")
    with pytest.raises(InputError, match="x is not TOML: it is not UTF-8 text"):
        read_text(path, "TOML")
