"""The run file: one SQLite database that holds a recorded run. Written while the program runs, read without torch."""

from graphviz_nn.store.reader import RunFile, open_run
from graphviz_nn.store.save import save
from graphviz_nn.store.writer import RunWriter

__all__ = ["RunFile", "RunWriter", "open_run", "save"]
