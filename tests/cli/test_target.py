"""What a TARGET may name, and the one message that each wrong one gets."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from graphviz_nn.cli.target import load_target, resolve
from graphviz_nn.errors import TargetError

MODELS = """
import torch
from torch import nn

class Tiny(nn.Module):
    def __init__(self, width=3):
        super().__init__()
        self.linear = nn.Linear(4, width)

    def forward(self, x):
        return self.linear(x)

instance = Tiny(5)

class zoo:
    small = Tiny

def plain():
    return Tiny()

def with_input():
    return Tiny(), torch.ones(2, 4)

def with_inputs():
    return [Tiny(), (torch.ones(2, 4),)]

def with_keywords():
    return Tiny(), {"x": torch.ones(2, 4)}

def with_loss():
    return Tiny(), torch.ones(2, 4), lambda output: output.sum()

def with_bad_loss():
    return Tiny(), torch.ones(2, 4), 3

def nothing():
    pass

def a_list():
    return [1, 2]

def sized(width, depth=2):
    return Tiny(width)

number = 3
"""


@pytest.fixture
def models(tmp_path: Path, clean_imports: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of targets, in a folder of its own that is the current one."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "some_models.py"
    file.write_text(MODELS, encoding="utf-8")
    return file


def refusal(target: str) -> str:
    with pytest.raises(TargetError) as caught:
        load_target(target)
    return str(caught.value)


@pytest.mark.parametrize("where", ["some_models", "some_models.py", "./some_models.py"])
@pytest.mark.parametrize(("name", "width"), [("plain", 3), ("Tiny", 3), ("instance", 5), ("zoo.small", 3)])
def test_finds_functions_classes_and_instances(models, where, name, width):
    target = load_target(f"{where}:{name}")
    assert target.model.linear.out_features == width
    assert target.name == name.rpartition(".")[2]
    assert (target.args, target.kwargs, target.loss) == ((), {}, None)


def test_finds_modules_by_dotted_package(models):
    assert isinstance(load_target("torch.nn:Identity").model, nn.Identity)


@pytest.mark.parametrize("name", ["with_input", "with_inputs"])
def test_takes_positional_inputs(models, name):
    target = load_target(f"some_models:{name}")
    (given,) = target.args
    assert torch.equal(given, torch.ones(2, 4))


def test_takes_keyword_inputs(models):
    target = load_target("some_models:with_keywords")
    assert target.args == ()
    assert list(target.kwargs) == ["x"]


def test_takes_a_loss(models):
    target = load_target("some_models:with_loss")
    assert target.loss is not None
    assert target.loss(torch.ones(3)).item() == 3


def test_files_import_their_neighbours(models):
    (models.parent / "neighbour.py").write_text("width = 7", encoding="utf-8")
    (models.parent / "user.py").write_text(
        "import neighbour, torch\ndef f(): return torch.nn.Linear(1, neighbour.width)"
    )
    assert load_target("user.py:f").model.out_features == 7


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("some_models", ["names no callable", "package.module:callable"]),
        ("some_models.py", ["names no callable", "That file defines", "some_models.py:sized"]),
        ("some_model.py:plain", ["There is no file", "Did you mean 'some_models.py'?"]),
        ("some_models:plane", ["has no 'plane'", "Did you mean 'plain'?"]),
        ("nowhere_at_all.models:f", ["There is no module 'nowhere_at_all'", "Install it"]),
        ("some_models:zzz", ["has no 'zzz'. It has "]),
        ("nowhere/model.py:f", ["There is no file", "There is no folder 'nowhere' either"]),
        ("some_models:nothing", ["gave back None", "(module, inputs)"]),
        ("some_models:a_list", ["gave back a list", "Let it return a module"]),
        ("some_models:with_bad_loss", ["gave back a tuple of (Tiny, Tensor, int)"]),
        ("some_models:sized", ["needs arguments (width)"]),
        ("some_models:number", ["is an int, not a callable"]),
    ],
)
def test_wrong_targets_are_named_with_their_fix(models, target, parts):
    message = refusal(target)
    for part in parts:
        assert part in message


def test_code_that_does_not_import_is_named_with_its_place(models):
    (models.parent / "broken.py").write_text("import torch\n\nwidth = 1 / 0\n", encoding="utf-8")
    message = refusal("broken.py:f")
    assert "does not import: ZeroDivisionError: division by zero" in message
    assert "broken.py:3" in message


def test_a_missing_import_inside_the_code_is_not_taken_for_a_missing_target(models):
    (models.parent / "needy.py").write_text("import not_installed_anywhere\n", encoding="utf-8")
    assert "'needy' does not import: ModuleNotFoundError" in refusal("needy:f")


def test_a_syntax_error_is_named_with_its_line(models):
    (models.parent / "wrong.py").write_text("x = 1\ndef f(:\n", encoding="utf-8")
    message = refusal("wrong.py:f")
    assert "SyntaxError" in message
    assert "wrong.py, line 2" in message


def test_a_script_without_a_main_guard_is_told_so(models):
    (models.parent / "script.py").write_text("import sys\nsys.exit(3)\n", encoding="utf-8")
    assert "__main__" in refusal("script.py:f")


def test_errors_of_the_users_function_pass_through(models):
    (models.parent / "raising.py").write_text("def f():\n    raise KeyError('mine')\n", encoding="utf-8")
    with pytest.raises(KeyError, match="mine"):
        load_target("raising.py:f")


def test_resolve_finds_any_object(models):
    assert resolve("some_models:number") == 3
