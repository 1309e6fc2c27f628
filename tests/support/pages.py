"""Running the script of an exported page: by node for what it computes, by chromium for how it behaves."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from graphviz_nn.export.html import SCRIPTS, asset, write_html
from graphviz_nn.export.html_data import page_data
from graphviz_nn.model.exporters import ExportRequest, PictureOptions
from graphviz_nn.model.steps import MemoryRun

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node, which runs the page's script, is not found")


@cache
def find_chromium() -> str | None:
    """Returns the path of a browser, or None."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, found), None)


needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="chromium, which opens the page, is not found")

_HEADLESS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--force-prefers-reduced-motion", "--window-size=1200,800",
)  # fmt: skip


def request(run: MemoryRun, **options: Any) -> ExportRequest:
    """A request for the first step of a run."""
    return ExportRequest(run, 0, PictureOptions(**options))


def data_of(run: MemoryRun, **options: Any) -> dict[str, Any]:
    """The data of a page, as its script reads it."""
    found: dict[str, Any] = json.loads(json.dumps(page_data(request(run, **options))))
    return found


def page_of(run: MemoryRun, **options: Any) -> str:
    """The text of a page."""
    return write_html(request(run, **options)).decode()


def rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table of the data, with the names of their fields."""
    return [dict(zip(table["fields"], row, strict=True)) for row in table["rows"]]


def run_script(program: str, given: object) -> Any:
    """Returns what `program`, JavaScript that sees the page's functions and `given`, returns."""
    logic = "\n".join(asset(f"{name}.js") for name in SCRIPTS if name != "page")
    main = f'const given = JSON.parse(require("fs").readFileSync(0)); const found = (() => {{{program}}})();'
    main += "console.log(JSON.stringify(found));"
    done = subprocess.run(
        ["node", "--stack-size=4000", "-e", f'"use strict";{logic}\n{main}'],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


def drive(page: str, script: str, folder: Path, real_time: bool = False) -> dict[str, Any]:
    """Opens a page in a browser, runs `script` (it may await) after its own, and returns the `seen` that it fills.

    The script is let through the page's own policy, which otherwise stays as it is. While it waits, time runs ahead;
    in `real_time` it may not wait.
    """
    driver = f"""
    const pause = (time) => new Promise((go) => setTimeout(go, time));
    const tell = (seen) => {{
      const told = document.createElement("pre");
      told.id = "seen";
      told.textContent = JSON.stringify(seen);
      document.body.append(told);
    }};
    const run = async () => {{ const seen = {{}}; {script}; return seen; }};
    run().then(tell, (error) => tell({{ error: error.stack }}));
    """
    page = page.replace("script-src ", "script-src 'nonce-test' ", 1)
    path = folder / "page.html"
    path.write_text(page.replace("</body>", f'<script nonce="test">{driver}</script></body>'), encoding="utf-8")
    command = [str(find_chromium()), *_HEADLESS, f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
    command += [path.as_uri()] if real_time else ["--virtual-time-budget=2000", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    told = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert told, done.stderr[-2000:]
    seen: dict[str, Any] = json.loads(html.unescape(told[1]))
    assert "error" not in seen, seen["error"]
    return seen
