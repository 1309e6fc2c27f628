"""Writes docs/rules from the built-in checks: a page a rule out of its docstring and its example, and a table of all.

    python tools/make_rule_pages.py [RULE …]

Runs the examples, for what they show and for their pictures; without names, of all rules.
"""

from __future__ import annotations

import inspect
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

import graphviz_nn as gnn  # noqa: E402
from graphviz_nn.analysis.builtin import register_checks  # noqa: E402
from graphviz_nn.model.findings import Check  # noqa: E402
from graphviz_nn.run import Run  # noqa: E402
from tools.rule_examples import AMONG_RANKS, EXAMPLES, Example, recorded_among_ranks  # noqa: E402
from tools.rule_pictures import pictures  # noqa: E402

FOLDER = ROOT / "docs" / "rules"
PICTURES = FOLDER / "pictures"
EXAMPLE = "\n## Example\n"


def page(check: Check) -> str:
    """Returns the page of one rule as Markdown, as far as its example's title."""
    thresholds = "".join(f"| `{check.name}.{name}` | {value:g} |\n" for name, value in check.thresholds.items())
    table = f"\n| threshold | default |\n|---|---|\n{thresholds}" if thresholds else ""
    return f"# {check.name}\n\n[All rules](README.md)\n\n{inspect.getdoc(check.run)}\n{table}"


def index(checks: list[Check]) -> str:
    """Returns the table of all rules, as Markdown."""
    rows = "".join(f"| [{c.name}]({c.name}.md) | {c.family} | {_first_sentence(c)} |\n" for c in checks)
    return (
        "# Rules\n\n"
        "What `graphviz-nn check RUN` and `run.findings()` look for in the last recorded steps, and\n"
        "`graphviz-nn run --on-finding warn` while a script runs. A finding is an *error* where the step's numbers\n"
        "are lost or wrong, a *warning* where training suffers, and *information* where it may well be meant.\n"
        "Thresholds are set with `--set rule.threshold=value`, or in `pyproject.toml`:\n\n"
        '```toml\n[tool.graphviz_nn.checks]\n"vanishing_depth.ratio" = 1e-5\n```\n\n'
        "Each page ends with a program that the rule finds fault with, and what was recorded of it before and after\n"
        "its repair (`examples/rules`).\n\n"
        f"| rule | family | what is wrong |\n|---|---|---|\n{rows}"
    )


def pages() -> dict[str, str]:
    """Returns the text of every file in docs/rules by name, as far as the examples' titles."""
    checks = register_checks()
    return {"README.md": index(checks)} | {f"{check.name}.md": page(check) for check in checks}


def code(example: Callable[..., None]) -> str:
    """Returns the text of an example, after that of what it uses of its own file."""
    module = inspect.getmodule(example)
    texts: dict[str, str] = {}
    seen = {example.__name__}

    def take(what: types.FunctionType | type) -> None:
        names = {name for part in _codes(what) for name in part.co_names}
        for name in names - seen:
            value = vars(module).get(name)
            if isinstance(value, (types.FunctionType, type)) and inspect.getmodule(value) is module:
                seen.add(name)
                take(value)
        texts[what.__name__] = inspect.getsource(what)

    take(example)
    order = [name for name in vars(module) if name in texts]
    return "\n\n".join(texts[name].rstrip("\n") + "\n" for name in order)


def _codes(what: types.FunctionType | type) -> list[types.CodeType]:
    """The code of a function, or of a class's methods, and of the functions inside them."""
    functions = [what] if isinstance(what, types.FunctionType) else list(vars(what).values())
    waiting = [one.__code__ for one in functions if isinstance(one, types.FunctionType)]
    found = []
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += [constant for constant in one.co_consts if isinstance(constant, types.CodeType)]
    return found


def recorded(example: Example, *, repaired: bool) -> Run:
    """Records every step of the example, its tensors included."""
    torch.manual_seed(0)
    with gnn.record(None, every=1, keep="all") as recording:
        example(repaired)
    return recording.run


def shown(check: Check) -> str:
    """Runs the rule's example and writes its pictures; returns the end of the page."""
    if check.name in AMONG_RANKS:
        with tempfile.TemporaryDirectory() as folder:
            before, after = (recorded_among_ranks(check.name, Path(folder), repaired=each) for each in (False, True))
            return _shown(check, AMONG_RANKS[check.name], before, after, _launched(check.name))
    example = EXAMPLES[check.name]
    return _shown(check, example, recorded(example, repaired=False), recorded(example, repaired=True))


def _launched(rule: str) -> str:
    """How the example of a rule that needs several processes is run and read."""
    file = Path(inspect.getfile(AMONG_RANKS[rule])).relative_to(ROOT)
    return (
        "The function runs in two processes, after `init_process_group`:\n\n"
        f"```sh\ntorchrun --nproc-per-node 2 -m graphviz_nn run --every 1 {file}\n"
        f"graphviz-nn check {file.with_suffix('.gvnn')} --rank all\n```\n\n"
    )


def _shown(check: Check, example: Callable[..., None], before: Run, after: Run, launched: str = "") -> str:
    finding = next(finding for finding in before.findings() if finding.rule == check.name)
    names = pictures(check.name, check.family, before, after, finding, PICTURES)
    if len(names) == 1:
        drawn = f"![before and after](pictures/{names[0]})\n"
    else:
        both = "|".join(f" ![{word}](pictures/{name}) " for word, name in zip(("before", "after"), names, strict=True))
        drawn = f"| before | after |\n|---|---|\n|{both}|\n"
    said = f"What is said of it before: *{finding.cause} {finding.remedy}* After the repair nothing is.\n"
    return f"{EXAMPLE}\n```python\n{code(example)}```\n\n{launched}{said}\n{drawn}"


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    checks = register_checks()
    (FOLDER / "README.md").write_text(index(checks), encoding="utf-8")
    for check in checks:
        if check.name in sys.argv[1:] or len(sys.argv) == 1:
            (FOLDER / f"{check.name}.md").write_text(page(check) + shown(check), encoding="utf-8")


def _first_sentence(check: Check) -> str:
    return (inspect.getdoc(check.run) or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")


if __name__ == "__main__":
    main()
