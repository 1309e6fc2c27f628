"""Where a write-ahead log may be used."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from graphviz_nn.store import RunWriter, open_run
from graphviz_nn.store.connection import use_wal
from tests.core.store.samples import make_step, make_structure

MOUNTS = "/dev/sda1 / ext4 rw 0 0\nserver:/home {folder} {kind} rw 0 0\nproc /proc proc rw 0 0\n"


def pretend_mounted(monkeypatch, folder, kind):
    text = MOUNTS.format(folder=str(folder).replace(" ", "\\040"), kind=kind)
    monkeypatch.setattr(Path, "read_text", lambda self, *arguments: text)


@pytest.mark.parametrize(
    ("kind", "expected"), [("ext4", True), ("tmpfs", True), ("nfs4", False), ("fuse.sshfs", False), ("cifs", False)]
)
def test_network_file_systems_keep_a_rollback_journal(tmp_path, monkeypatch, kind, expected):
    folder = tmp_path / "with space"
    folder.mkdir()
    pretend_mounted(monkeypatch, folder, kind)
    with closing(sqlite3.connect(folder / "run.gvnn", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a)")
        assert use_wal(connection, str(folder / "run.gvnn")) is expected
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        assert mode == ("wal" if expected else "delete")


def test_a_folder_beside_the_mount_is_local(tmp_path, monkeypatch):
    pretend_mounted(monkeypatch, tmp_path / "home", "nfs4")
    (tmp_path / "home2").mkdir()
    with closing(sqlite3.connect(tmp_path / "home2" / "run.gvnn", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a)")
        assert use_wal(connection, str(tmp_path / "home2" / "run.gvnn"))


def test_a_run_on_a_network_file_system_is_written_and_read(tmp_path, monkeypatch):
    pretend_mounted(monkeypatch, tmp_path, "nfs4")
    writer = RunWriter(tmp_path / "run.gvnn")
    writer.write(make_step(0, make_structure()))
    writer.flush()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run.gvnn", "run.gvnn-lock"]
    with open_run(tmp_path / "run.gvnn") as run:
        assert len(run.steps()) == 1
    writer.close()
