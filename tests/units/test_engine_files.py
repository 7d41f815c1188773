"""Files of results: whole or not at all, and never in the place of what is no file."""

import os
import stat
from pathlib import Path

import pytest

from driftline.core.errors import FormatError, SourceError, WriteError
from driftline.engine.files import check_writable, read_reference, write_bytes, write_text


def test_bytes_arrive_and_nothing_else_stays(tmp_path):
    write_bytes(tmp_path / "out", b"one")
    write_bytes(tmp_path / "out", b"two")
    assert (tmp_path / "out").read_bytes() == b"two"
    assert [*tmp_path.iterdir()] == [tmp_path / "out"]


def test_a_new_file_has_the_rights_that_the_user_asks_for(tmp_path):
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "new", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_an_old_file_keeps_its_rights(tmp_path):
    (tmp_path / "old").write_bytes(b"")
    (tmp_path / "old").chmod(0o600)
    write_bytes(tmp_path / "old", b"new")
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600


def test_a_link_keeps_pointing(tmp_path):
    (tmp_path / "link").symlink_to("there")
    write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "text"


def test_text_is_utf8_whatever_it_holds(tmp_path):
    write_text(tmp_path / "t", "é指\ud800")
    assert (tmp_path / "t").read_bytes().decode("utf-8") == "é指\\ud800"


def test_a_name_of_255_bytes(tmp_path):
    name = "n" * 255
    write_bytes(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with pytest.raises(WriteError, match="file name too long"):
        write_bytes(tmp_path / ("n" * 256), b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_interruption_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("driftline.engine.files.os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(tmp_path / "out", b"data")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".", "it is a folder"),
        ("no/where", "there is no folder"),
        ("file/below", "there is no folder"),
        ("dangling/x", "there is no folder"),
    ],
)
def test_where_nothing_can_be_written(tmp_path, path, reason):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "dangling").symlink_to("nothing")
    for attempt in (check_writable, lambda target: write_bytes(target, b"")):
        with pytest.raises(WriteError, match=reason) as caught:
            attempt(tmp_path / path)
        assert str(tmp_path / path) in str(caught.value)


def test_a_device_is_written_and_stays_one():
    write_bytes(Path("/dev/null"), b"data")
    assert not Path("/dev/null").is_file()
    with pytest.raises(WriteError, match="/dev/full: The file cannot be written: no space left on device"):
        write_bytes(Path("/dev/full"), b"data")


def test_references_that_cannot_be_read(tmp_path):
    with pytest.raises(SourceError, match="no such file or directory"):
        read_reference(tmp_path / "none.profile")
    with pytest.raises(SourceError, match="is a directory"):
        read_reference(tmp_path)
    (tmp_path / "other.profile").write_bytes(b"something else")
    with pytest.raises(FormatError, match=r"other\.profile: This is no driftline profile"):
        read_reference(tmp_path / "other.profile")
