"""Kept tensors in pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.tensors import TensorData, TensorKey
from graphviz_nn_ui.viewmodels.tensor_pages import (
    PAGE_COLUMNS,
    PAGE_ROWS,
    TensorPages,
    comma_separated,
    element_text,
    numpy_text,
    tensor_pages,
)
from graphviz_nn_ui.widgets.tensor_table import TensorTable
from graphviz_nn_ui.workspace import Workspace
from tests.support.panels import Opened, Show, node_id, settle


class TestPages:
    @staticmethod
    def in_memory(
        array: np.ndarray, strides: tuple[int, ...] | None = None, shape: tuple[int, ...] = ()
    ) -> TensorPages:
        class Whole:
            def read(self, start: int, stop: int) -> TensorData:
                assert 0 <= start <= stop <= array.size
                reads.append(stop - start)
                return TensorData(str(array.dtype), (stop - start,), array.reshape(-1)[start:stop].view(np.uint8))

        reads: list[int] = []
        pages = TensorPages(str(array.dtype), shape or array.shape, strides, Whole())
        pages.reads = reads  # type: ignore[attr-defined]
        return pages

    def test_last_two_dimensions_stand_in_the_table(self) -> None:
        array = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
        pages = self.in_memory(array)
        assert (pages.leading, pages.rows, pages.columns) == ((2, 3), 4, 5)
        assert np.array_equal(pages.page((1, 2)).numbers, array[1, 2])
        assert np.array_equal(pages.page((0, 1), row=1, column=3).numbers, array[0, 1, 1:, 3:])

    def test_a_page_of_a_wide_matrix_reads_its_own_part(self) -> None:
        array = np.arange(300 * 20_000, dtype=np.float32).reshape(300, 20_000)
        pages = self.in_memory(array)
        page = pages.page((), row=130, column=19_900)
        assert page.numbers.shape == (PAGE_ROWS, PAGE_COLUMNS)
        assert np.array_equal(page.numbers, array[130 : 130 + PAGE_ROWS, 19_900 : 19_900 + PAGE_COLUMNS])
        assert sum(pages.reads) <= PAGE_ROWS * PAGE_COLUMNS  # type: ignore[attr-defined]

    def test_strides(self) -> None:
        array = np.arange(12, dtype=np.int64)
        transposed = self.in_memory(array, strides=(1, 3), shape=(3, 4))
        assert np.array_equal(transposed.page(()).numbers, array.reshape(4, 3).T)
        expanded = self.in_memory(np.arange(3.0), strides=(0, 1), shape=(4, 3))
        assert np.array_equal(expanded.page(()).numbers, np.tile(np.arange(3.0), (4, 1)))

    @pytest.mark.parametrize("shape", [(), (7,), (0,), (0, 3), (3, 0), (2, 0, 4)])
    def test_few_dimensions_and_none(self, shape: tuple[int, ...]) -> None:
        array = np.ones(shape, np.float32)
        pages = self.in_memory(array)
        page = pages.page(tuple(0 for _ in pages.leading))
        assert page.numbers.size == array.size

    def test_range_leaves_out_what_is_not_finite(self) -> None:
        page = self.in_memory(np.array([[np.nan, 2.0], [-np.inf, -1.0]])).page(())
        assert (page.low, page.high, page.bad) == (-1.0, 2.0, 2)
        assert element_text(page.numbers[0, 0]) == "✖ NaN"
        assert element_text(page.numbers[1, 0]) == "✖ −∞"

    def test_copies_lose_nothing(self) -> None:
        numbers = np.array([[0.1, 1 / 3], [1e-20, np.nan]], np.float32)
        read = np.array([line.split(",") for line in comma_separated(numbers).split("\n")], np.float32)
        assert np.array_equal(read, numbers, equal_nan=True)
        again = eval(numpy_text(numbers), {"array": np.array, "float32": np.float32, "nan": np.nan})
        assert np.array_equal(again, numbers, equal_nan=True)

    def test_pages_of_a_file_are_those_of_the_tensor(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        key = TensorKey("gradient", node_id(session, "stem"), 0)
        pages = tensor_pages(session.data, session.position, key)
        assert pages is not None
        with gnn.load(digits_run) as run:
            gradient = run.gradient("stem")
            assert gradient is not None
            assert np.array_equal(pages.page((3, 1)).numbers, gradient[3, 1].numpy())
        assert tensor_pages(session.data, session.position, TensorKey("value", 10**6, 0)) is None

    def test_a_type_that_numpy_has_not_says_what_to_do(self) -> None:
        class Halves:
            def read(self, start: int, stop: int) -> TensorData:
                return TensorData("float8_e5m2", (stop - start,), np.zeros(stop - start, np.uint8))

        with pytest.raises(NotRecorded, match=r"run\.value"):
            TensorPages("float8_e5m2", (2, 2), None, Halves()).page(())


class TestTensorTable:
    def test_damage_is_said_in_place(self, workspace: Workspace, show: Show, digits_run: Path, qtbot: QtBot) -> None:
        document = show(digits_run)
        table = TensorTable(workspace.jobs)
        qtbot.addWidget(table)
        table.show_tensor(document.data, 0, TensorKey("value", node_id(document, "stem"), 0))
        settle(workspace, qtbot)
        assert table.page is not None
        document.close()
        table._leading[0].setValue(1)
        settle(workspace, qtbot)
        assert table.page is None
        assert table.sentence
