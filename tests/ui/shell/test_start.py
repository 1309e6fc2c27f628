"""The start of the app: what the first paint waits for."""

from __future__ import annotations

import json
import os
import subprocess
import sys

START = """
import json, sys
from graphviz_nn_ui.app import make_application, make_window, prepare, private_settings
from graphviz_nn_ui.leaving import end
application = make_application()
window = make_window(application, private_settings(sys.argv[1]))
window.show()
application.processEvents()
early = sorted(sys.modules)
prepare(window)
while window.workspace.jobs.tags:
    application.processEvents()
late = sorted(sys.modules)
panels = [dock.windowTitle() for dock in window.docks]
end(window)
print(json.dumps([early, late, panels]))
"""


def test_the_start_page_waits_for_nothing_that_only_a_run_needs(tmp_path):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path)], capture_output=True, text=True, check=True, env=environment
    )
    early, late, panels = json.loads(done.stdout)
    heavy = {"numpy", "torch", "networkx", "matplotlib", "pygments", "rich", "click", "importlib.metadata"}
    assert not heavy & set(early)
    assert {"numpy", "graphviz_nn_ui.canvas.view", "graphviz_nn_ui.panels.inspector"} <= set(late)
    assert "torch" not in late
    assert {"Inspector", "Timeline", "Events"} <= set(panels)
