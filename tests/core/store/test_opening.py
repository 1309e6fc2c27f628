"""What is not a run file, or cannot be opened, gets one message that says what it is and what to do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from graphviz_nn.errors import DamagedRunFile, NewerRunFile, NotARunFile, RunFileError
from graphviz_nn.store import RunWriter, connection, open_run
from graphviz_nn.store.format import APPLICATION_ID, FORMAT_VERSION
from tests.core.store.samples import assert_same_step, make_step, make_structure

ROOT = Path(__file__).parents[3]
STEPS = [make_step(i, make_structure()) for i in range(3)]
NOBODY = 65534


@pytest.fixture
def run_path(tmp_path):
    writer = RunWriter(tmp_path / "run.gvnn")
    for step in STEPS:
        writer.write(step)
    writer.close()
    return tmp_path / "run.gvnn"


def execute(path, script):
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


def test_a_missing_file_names_the_nearest(run_path):
    with pytest.raises(NotARunFile, match=r"no run file .*rum\.gvnn\. Did you mean 'run\.gvnn'\?"):
        open_run(run_path.with_name("rum.gvnn"))
    with pytest.raises(NotARunFile, match=r"The folder holds run\.gvnn"):
        open_run(run_path.with_name("something_else_altogether"))
    with pytest.raises(NotARunFile, match="no folder"):
        open_run(run_path.parent / "missing" / "run.gvnn")


def test_a_folder_names_the_runs_in_it(run_path):
    with pytest.raises(NotARunFile, match=r"is a folder\..*run\.gvnn"):
        open_run(run_path.parent)


def test_things_that_are_no_files_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotARunFile, match="not a regular file"):
        open_run(tmp_path / "pipe")
    with pytest.raises(NotARunFile, match="not a regular file"):
        open_run("/dev/zero")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"PK\3\4 a zip file", "not a run file"), (b"\x80\4\x95cos\nsystem\n", "not a run file")],
)
def test_foreign_files(tmp_path, content, message):
    path = tmp_path / "run.gvnn"
    path.write_bytes(content)
    with pytest.raises(NotARunFile, match=message):
        open_run(path)
    assert path.read_bytes() == content


def test_another_database(tmp_path):
    execute(tmp_path / "run.gvnn", "CREATE TABLE bookmarks (url)")
    with pytest.raises(NotARunFile, match="SQLite database, but not a run"):
        open_run(tmp_path / "run.gvnn")


def test_a_newer_file_names_both_versions(run_path):
    execute(run_path, f"PRAGMA user_version={FORMAT_VERSION + 1}")
    with pytest.raises(NewerRunFile, match=f"format {FORMAT_VERSION + 1}.* up to {FORMAT_VERSION}.*--upgrade"):
        open_run(run_path)


@pytest.mark.parametrize(
    "script",
    [
        "PRAGMA user_version=0",
        "DROP TABLE source",
        "CREATE TABLE more (a)",
        "CREATE VIEW v AS SELECT load_extension('x')",
        "CREATE TRIGGER t AFTER INSERT ON step BEGIN SELECT 1; END",
        "CREATE INDEX i ON step (hex(loss))",
        "DROP TABLE meta; CREATE TABLE meta (key TEXT PRIMARY KEY, value AS (hex(key)), crc INTEGER NOT NULL)",
        "CREATE VIRTUAL TABLE f USING fts5(a)",
        "ALTER TABLE step ADD COLUMN more",
    ],
)
def test_tables_that_are_not_ours(run_path, script):
    execute(run_path, script)
    with pytest.raises(DamagedRunFile, match="not those of a run file"):
        open_run(run_path)


def test_a_database_that_only_says_that_it_is_a_run(tmp_path):
    execute(tmp_path / "run.gvnn", f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version=1; CREATE TABLE t (a)")
    with pytest.raises(DamagedRunFile):
        open_run(tmp_path / "run.gvnn")


def test_a_locked_file_says_so(run_path, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(run_path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RunFileError, match="locked by another program"):
            open_run(run_path)


def test_reading_changes_nothing(run_path):
    before = run_path.read_bytes(), run_path.stat().st_mtime_ns
    with open_run(run_path) as run:
        run.stats(0, "output")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            run._tables._connection.execute("DELETE FROM step")
    assert (run_path.read_bytes(), run_path.stat().st_mtime_ns) == before


def test_a_closed_run_says_so(run_path):
    run = open_run(run_path)
    run.close()
    with pytest.raises(RunFileError, match="was closed before it was read"):
        run.stats(0, "output")


@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_names_that_mean_something_elsewhere(tmp_path, monkeypatch, journal):
    if journal == "rollback":
        monkeypatch.setattr("graphviz_nn.store.database.use_wal", lambda connection, path: False)
    path = tmp_path / "a ?mode=rwc&x=%41#ü'\N{SNOWMAN}.gvnn"
    writer = RunWriter(path)
    writer.write(STEPS[0])
    writer.flush()
    with open_run(path) as run:
        assert_same_step(STEPS[0], run, 0)
        assert run.live
    writer.close()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_half_written_step_of_a_killed_writer_is_taken_back(run_path):
    """A hot rollback journal: only a connection that may write can mend that."""
    with closing(sqlite3.connect(run_path, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size=5")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE step SET number = number + 1000")
        writer.executemany("INSERT INTO event_time VALUES (?, ?, 0)", [(100 + i, bytes(5000)) for i in range(50)])
        left = run_path.with_name("left.gvnn")
        shutil.copy(run_path, left)
        shutil.copy(f"{run_path}-journal", f"{left}-journal")
    with open_run(left) as run:
        for position, step in enumerate(STEPS):
            assert_same_step(step, run, position)
        assert run.damage == ()


# Where nothing may be written. Root may write everywhere, so these read as somebody else.

READ = """
import difflib, os, sys
from graphviz_nn.errors import RunFileError
from graphviz_nn.store import open_run, RunWriter
if os.getuid() == 0:
    os.setgid({nobody}); os.setuid({nobody})
try:
    print(len({action}(sys.argv[1]).steps()))
except RunFileError as error:
    print(error)
"""


@pytest.fixture
def shared_folder():
    """A folder that others can read; those of `tmp_path` they cannot."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def as_somebody_else(path, action="open_run"):
    path.parent.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", READ.format(nobody=NOBODY, action=action), path],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_closed_run_is_read_where_nothing_can_be_written(run_path, shared_folder):
    shutil.copy(run_path, shared_folder)
    (shared_folder / "run.gvnn").chmod(0o444)
    assert as_somebody_else(shared_folder / "run.gvnn") == "3"


def test_an_empty_log_does_not_matter_where_nothing_can_be_written(run_path, shared_folder):
    execute(run_path, "PRAGMA journal_mode=WAL")
    shutil.copy(run_path, shared_folder)
    assert as_somebody_else(shared_folder / "run.gvnn") == "3"


def test_a_log_that_cannot_be_used_says_what_to_copy(tmp_path, shared_folder):
    writer = RunWriter(tmp_path / "run.gvnn")
    writer.write(STEPS[0])
    writer.flush()
    shutil.copy(tmp_path / "run.gvnn", shared_folder)
    shutil.copy(tmp_path / "run.gvnn-wal", shared_folder)
    writer.close()
    assert "Copy it to another folder" in as_somebody_else(shared_folder / "run.gvnn")


def test_no_permission(run_path, shared_folder):
    shutil.copy(run_path, shared_folder)
    (shared_folder / "run.gvnn").chmod(0o600 if os.getuid() == 0 else 0o000)
    assert "no permission to read" in as_somebody_else(shared_folder / "run.gvnn")


def test_a_folder_that_cannot_be_written(run_path, shared_folder):
    assert "no permission" in as_somebody_else(shared_folder / "run.gvnn", action="RunWriter")
