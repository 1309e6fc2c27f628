"""The writer keeps its hands off the training loop, off other files, and off other writers."""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest

from graphviz_nn.errors import NotARunFile, RunFileError
from graphviz_nn.model.steps import MemoryRun, RunMeta, StepRecord
from graphviz_nn.model.tensors import TensorData, TensorKey
from graphviz_nn.store import RunWriter, open_run, save
from graphviz_nn.store.byte_queue import ByteQueue
from tests.core.store.samples import assert_same_step, make_step, make_structure

ROOT = Path(__file__).parents[3]
STRUCTURE = make_structure()
STEPS = [make_step(i, STRUCTURE) for i in range(6)]


def write(path, steps):
    writer = RunWriter(path)
    for step in steps:
        writer.write(step)
    writer.close()


def indices(path):
    with open_run(path) as run:
        return [info.index for info in run.steps()]


def names(folder):
    return sorted(file.name for file in folder.iterdir())


# Following


def test_a_reader_follows_a_growing_file(tmp_path):
    writer = RunWriter(tmp_path / "run.gvnn")
    with open_run(tmp_path / "run.gvnn") as run:
        assert (run.live, len(run.steps()), run.meta) == (True, 0, RunMeta(created=0.0))
        for count, step in enumerate(STEPS, start=1):
            writer.write(step)
            writer.flush()
            assert run.refresh() == 1
            assert len(run.steps()) == count
            assert_same_step(step, run, count - 1)
        writer.set_meta(RunMeta(created=5.0, complete=True))
        writer.add_source("/a.py", "x = 1")
        writer.close()
        assert run.refresh() == 0
        assert run.meta == RunMeta(created=5.0, complete=True)
        assert run.sources() == {"/a.py": "x = 1"}
        assert not run.live


def test_a_writer_with_a_rollback_journal_is_followed_too(tmp_path, monkeypatch):
    monkeypatch.setattr("graphviz_nn.store.database.use_wal", lambda connection, path: False)
    writer = RunWriter(tmp_path / "run.gvnn")
    with open_run(tmp_path / "run.gvnn") as run:
        for step in STEPS:
            writer.write(step)
            run.refresh()
        writer.close()
        run.refresh()
        for position, step in enumerate(STEPS):
            assert_same_step(step, run, position)
    assert names(tmp_path) == ["run.gvnn"]


def test_many_threads_may_read_one_file(tmp_path):
    write(tmp_path / "run.gvnn", STEPS)
    failures = []

    def read():
        try:
            for position, step in enumerate(STEPS):
                assert_same_step(step, run, position)
        except BaseException as error:
            failures.append(error)

    with open_run(tmp_path / "run.gvnn") as run:
        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


# Taking the place of an older file


def test_an_older_run_stays_until_the_new_one_has_a_step(tmp_path):
    path = tmp_path / "run.gvnn"
    write(path, STEPS[:3])
    with open_run(path) as older:
        writer = RunWriter(path)
        writer.set_meta(RunMeta(created=9.0))
        writer.flush()
        assert indices(path) == [0, 1, 2]
        writer.write(STEPS[5])
        writer.flush()
        assert indices(path) == [5]
        assert_same_step(STEPS[2], older, 2)
        assert (older.refresh(), older.generation, older.meta.created) == (1, 1, 9.0)
        assert_same_step(STEPS[5], older, 0)
        writer.write(STEPS[4])
        writer.flush()
        assert (older.refresh(), older.generation) == (1, 1)
        writer.close()
    assert indices(path) == [5, 4]


def test_an_older_run_stays_where_the_new_one_never_has_a_step(tmp_path):
    write(tmp_path / "run.gvnn", STEPS[:3])
    write(tmp_path / "run.gvnn", [])
    assert indices(tmp_path / "run.gvnn") == [0, 1, 2]
    assert names(tmp_path) == ["run.gvnn"]


@pytest.mark.parametrize("method", ["write", "save"])
def test_what_was_killed_before_its_first_step_is_in_nobodys_way(tmp_path, method):
    path, unfinished = tmp_path / "run.gvnn", tmp_path / "run.gvnn-new"
    write(path, STEPS[:3])
    writer = RunWriter(path)
    left_behind = unfinished.read_bytes()
    writer.close()
    unfinished.write_bytes(left_behind)
    if method == "write":
        write(path, STEPS[4:])
    else:
        write(tmp_path / "other.gvnn", STEPS[4:])
        with open_run(tmp_path / "other.gvnn") as other:
            save(other, path)
        (tmp_path / "other.gvnn").unlink()
    assert indices(path) == [4, 5]
    assert names(tmp_path) == ["run.gvnn"]


def test_a_run_without_a_step_is_a_run(tmp_path):
    write(tmp_path / "run.gvnn", [])
    assert indices(tmp_path / "run.gvnn") == []


def test_an_empty_file_is_taken(tmp_path):
    (tmp_path / "run.gvnn").touch()
    write(tmp_path / "run.gvnn", STEPS)
    assert len(indices(tmp_path / "run.gvnn")) == len(STEPS)


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    write(tmp_path / "real" / "run.gvnn", STEPS[:1])
    (tmp_path / "run.gvnn").symlink_to(tmp_path / "real" / "run.gvnn")
    write(tmp_path / "run.gvnn", STEPS[1:])
    assert (tmp_path / "run.gvnn").is_symlink()
    assert indices(tmp_path / "real" / "run.gvnn") == [1, 2, 3, 4, 5]


def test_the_log_of_a_file_that_is_gone_does_not_get_into_the_new_one(tmp_path):
    path = tmp_path / "run.gvnn"
    writer = RunWriter(path)
    for step in STEPS:
        writer.write(step)
    writer.flush()
    log = Path(f"{path}-wal").read_bytes()
    writer.close()
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)
    write(path, STEPS[:1])
    assert indices(path) == [0]


@pytest.mark.parametrize("content", [b"my thesis", b"SQLite format 3\0" + bytes(5000)])
@pytest.mark.parametrize("method", ["write", "save"])
def test_a_foreign_file_is_left_alone(tmp_path, content, method):
    path = tmp_path / "thesis.tex"
    path.write_bytes(content)
    with pytest.raises(NotARunFile, match="another name"):
        write(path, STEPS) if method == "write" else save(MemoryRun(), path)
    assert path.read_bytes() == content
    assert names(tmp_path) == ["thesis.tex"]


def test_places_that_cannot_be(tmp_path):
    with pytest.raises(RunFileError, match="no folder"):
        RunWriter(tmp_path / "missing" / "run.gvnn")
    with pytest.raises(RunFileError, match="is a folder"):
        RunWriter(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RunFileError, match="regular"):
        RunWriter(tmp_path / "pipe")
    assert names(tmp_path) == ["pipe"]


def test_one_writer_at_a_time(tmp_path):
    path = tmp_path / "run.gvnn"
    first = RunWriter(path)
    with pytest.raises(RunFileError, match="another recording"):
        RunWriter(path)
    with pytest.raises(RunFileError, match="another recording"):
        save(MemoryRun(), path)
    first.write(STEPS[0])
    first.close()
    write(path, STEPS[1:2])
    assert indices(path) == [1]


# What the disk refuses


def test_a_removed_file_is_told_once_and_does_not_reach_the_program(tmp_path, caplog):
    path = tmp_path / "run.gvnn"
    writer = RunWriter(path)
    writer.write(STEPS[0])
    writer.flush()
    path.unlink()
    for step in STEPS[1:]:
        writer.write(step)
    writer.flush()
    assert isinstance(writer.error, RunFileError)
    with pytest.raises(RunFileError, match="removed or replaced"):
        writer.close()
    writer.close()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


FULL_DISK = """
import logging, resource, sys
from tests.core.store.test_writer import STEPS
from graphviz_nn.errors import RunFileError
from graphviz_nn.store import RunWriter
logging.disable()
writer = RunWriter(sys.argv[1])
finished = 0
limit = {limit}
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for round in range(100):
    for step in STEPS:
        writer.write(step)
        writer.flush()
        finished += writer.error is None
try:
    writer.close()
except RunFileError as error:
    print(finished, error)
"""


@pytest.mark.parametrize("limit", [100_000, 300_000])
def test_a_full_disk_leaves_the_finished_steps(tmp_path, limit):
    path = tmp_path / "run.gvnn"
    code = FULL_DISK.format(limit=limit)
    done = subprocess.run(
        [sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    finished, _, message = done.stdout.partition(" ")
    assert 0 < int(finished) < 600
    assert str(path) in message
    assert "full" in message
    with open_run(path) as run:
        assert len(run.steps()) == int(finished)
        assert run.damage == ()
        assert_same_step(STEPS[(int(finished) - 1) % 6], run, int(finished) - 1)


def test_a_full_disk_under_save_leaves_the_older_run(tmp_path):
    path = tmp_path / "run.gvnn"
    write(path, STEPS[:2])
    run = MemoryRun()
    for step in STEPS * 20:
        run.write(step)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
    try:
        with pytest.raises(RunFileError, match="full"):
            save(run, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert indices(path) == [0, 1]
    assert names(tmp_path) == ["run.gvnn"]


# What a recorder must not hand over


def changed(step, **changes):
    parts = {name: getattr(step, name) for name in ("info", "structure", "events", "stats", "histograms", "tensors")}
    return StepRecord(**parts | changes)


BAD_STEPS = {
    "stats": changed(STEPS[1], stats={"output": STEPS[1].stats["output"][:-1]}),
    "table": changed(STEPS[1], stats={"weights": STEPS[1].stats["output"]}),
    "histograms": changed(STEPS[1], histograms={"output": np.zeros((12, 63), "<u2")}),
    "events": changed(STEPS[1], events=STEPS[1].events.astype(STEPS[1].events.dtype.newbyteorder(">"))),
    "event": changed(STEPS[1], structure=make_structure(5), info=make_step(1, make_structure(5)).info),
    "structure": changed(STEPS[1], info=msgspec.structs.replace(STEPS[1].info, structure="0" * 32)),
    "tensor": changed(STEPS[1], tensors={TensorKey("value", 1, 0): TensorData("int8", (3,), np.zeros(2, "u1"))}),
}


@pytest.mark.parametrize("kind", BAD_STEPS)
def test_a_step_that_could_not_be_read_is_not_written(tmp_path, caplog, kind):
    writer = RunWriter(tmp_path / "run.gvnn")
    writer.write(STEPS[0])
    writer.write(BAD_STEPS[kind])
    with pytest.raises(RunFileError, match=kind):
        writer.close()
    with open_run(tmp_path / "run.gvnn") as run:
        assert len(run.steps()) == 1
        assert_same_step(STEPS[0], run, 0)
    assert len(caplog.records) == 1


# Beside the training loop


def test_write_waits_only_when_too_much_memory_waits():
    queue: ByteQueue[int] = ByteQueue(100)
    assert queue.put(1, 1000)
    waited = threading.Event()
    producer = threading.Thread(target=lambda: (queue.put(2, 1), waited.set()))
    producer.start()
    assert not waited.wait(0.1)
    items = iter(queue)
    assert next(items) == 1
    assert not waited.wait(0.1), "an item holds its memory until it has been consumed"
    threading.Thread(target=lambda: next(items)).start()
    assert waited.wait(10)
    producer.join()


def test_a_queue_that_is_closed_takes_nothing_and_lets_everybody_go():
    queue: ByteQueue[int] = ByteQueue(10)
    queue.put(1, 10)
    results = []
    producer = threading.Thread(target=lambda: results.append(queue.put(2, 10)))
    producer.start()
    queue.close(drop=True)
    producer.join()
    queue.drain()
    assert results == [False]
    assert list(queue) == []
    assert not queue.put(3, 1)


@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_forked_process_leaves_the_file_alone(tmp_path):
    writer = RunWriter(tmp_path / "run.gvnn")
    writer.write(STEPS[0])
    writer.flush()

    def child():
        writer.write(STEPS[1])
        writer.flush()
        writer.close()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(30)
    assert process.exitcode == 0
    writer.write(STEPS[2])
    writer.close()
    assert indices(tmp_path / "run.gvnn") == [0, 2]


def test_a_program_that_ends_without_closing_keeps_its_steps(tmp_path):
    code = (
        "import sys; from tests.core.store.test_writer import STEPS; from graphviz_nn.store import RunWriter;"
        "writer = RunWriter(sys.argv[1]); [writer.write(step) for step in STEPS]"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "run.gvnn"], cwd=ROOT, check=True, timeout=60)
    assert indices(tmp_path / "run.gvnn") == [0, 1, 2, 3, 4, 5]
    assert names(tmp_path) == ["run.gvnn"]
