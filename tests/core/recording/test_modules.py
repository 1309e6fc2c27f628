"""Names of modules and parameters: roots, loops, ties, modules that nobody registered, lazy and replaced ones."""

from __future__ import annotations

import copy
import warnings

import torch
from torch import Tensor, nn

import graphviz_nn as gnn
from graphviz_nn.run import Run
from tests.core.recording.programs import Training, batch, feeding, mlp, nodes, operators, record, sources


def paths(run: Run, step: int = -1) -> list[str]:
    return [module.path for module in run.structure(step).modules]


def calls(run: Run, step: int = -1) -> list[tuple[str, int, int | None]]:
    return [(call.path, call.call, call.parent) for call in run.structure(step).module_calls]


class Pair(nn.Module):
    """Two linear layers whose weights are one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))


def test_one_root_lends_no_name():
    run = gnn.trace(mlp(), batch(), loss=lambda y: y.mean())
    assert paths(run) == ["", "0", "1", "2"]
    assert sources(run, "parameter") == {name: (name,) for name in ("0.weight", "0.bias", "2.weight", "2.bias")}
    assert [node.name for node in run.structure().nodes if node.kind == "op"] == ["0", "1", "2", "mean"]


def test_several_roots_are_named_by_their_variables():
    encoder, decoder = nn.Linear(3, 2), nn.Linear(2, 3)
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], 0.1)

    def loop() -> None:
        for _ in range(2):
            criterion(decoder(encoder(batch())), batch()).backward()
            optimizer.step()

    run = record(loop)
    for step in (0, 1):
        assert paths(run, step) == ["encoder", "decoder", "criterion"]
        assert list(sources(run, "parameter", step)) == [
            "encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias",
        ]  # fmt: skip
    assert run.steps[0].info.structure == run.steps[1].info.structure


def test_roots_held_by_an_object_are_named_by_its_attributes():
    class Trainer:
        def __init__(self) -> None:
            self.student, self.teacher = nn.Linear(3, 1), nn.Linear(3, 1)
            self.optimizer = torch.optim.SGD(self.student.parameters(), 0.1)

        def fit(self) -> None:
            (self.student(batch()) - self.teacher(batch()).detach()).square().mean().backward()
            self.optimizer.step()

    assert paths(record(Trainer().fit)) == ["student", "teacher"]


def test_a_loss_without_parameters_does_not_prefix_the_model():
    training, criterion = Training(), nn.MSELoss()

    def loop() -> None:
        criterion(training.model(batch()), torch.zeros(5, 1)).backward()
        training.optimizer.step()

    run = record(loop)
    assert paths(run) == ["", "0", "1", "2", "criterion"]
    assert nodes(run, "mse_loss")[0].module == "criterion"


def test_a_loss_made_anew_each_step_keeps_its_name():
    training = Training()

    def loop() -> None:
        for _ in range(4):
            nn.MSELoss()(training.model(batch()), torch.zeros(5, 1)).backward()
            training.optimizer.step()

    run = record(loop)
    assert "MSELoss" in paths(run)
    assert len({step.info.structure for step in run.steps}) == 1


def test_modules_made_inside_forward_keep_their_names():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 1)

        def forward(self, x: Tensor) -> Tensor:
            return nn.Tanh()(nn.ReLU()(nn.Tanh()(self.linear(x))))

    training = Training(Net())
    run = record(lambda: training.steps(3))
    assert paths(run) == ["", "linear", "Tanh", "ReLU", "Tanh_2"]
    assert len({step.info.structure for step in run.steps}) == 1
    assert [node.name for node in nodes(run, "tanh")] == ["Tanh", "Tanh_2"]


def test_modules_in_a_plain_list_are_named_by_their_class_and_own_their_parameters():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [nn.Linear(3, 3), nn.Linear(3, 3)]

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x)
            return x

    run = gnn.trace(Net(), batch(), loss=lambda y: y.mean())
    assert paths(run) == ["", "Linear", "Linear_2"]
    assert list(sources(run, "parameter")) == ["Linear.weight", "Linear.bias", "Linear_2.weight", "Linear_2.bias"]
    assert all(run.gradient(name) is not None for name in sources(run, "parameter"))


def test_tied_weights_are_one_node_with_all_their_names():
    run = gnn.trace(Pair(), batch(), loss=lambda y: y.mean())
    assert sources(run, "parameter") == {
        "first.weight": ("first.weight", "second.weight"),
        "first.bias": ("first.bias",),
        "second.bias": ("second.bias",),
    }
    assert [feeding(run, node)["weight"] for node in nodes(run, "linear")] == ["first.weight", "first.weight"]


def test_calls_of_one_module_are_counted():
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.Sequential(nn.Linear(3, 3), nn.Tanh())

        def forward(self, x: Tensor) -> Tensor:
            for _ in range(3):
                x = self.cell(x)
            return x

    run = gnn.trace(Loop(), batch())
    assert calls(run) == [
        ("", 1, None),
        ("cell", 1, 0), ("cell.0", 1, 1), ("cell.1", 1, 1),
        ("cell", 2, 0), ("cell.0", 2, 4), ("cell.1", 2, 4),
        ("cell", 3, 0), ("cell.0", 3, 7), ("cell.1", 3, 7),
    ]  # fmt: skip
    assert [(node.name, node.call) for node in nodes(run, "linear")] == [
        ("cell.0", 1), ("cell.0_2", 2), ("cell.0_3", 3),
    ]  # fmt: skip


def test_a_node_belongs_to_the_innermost_module_call():
    run = gnn.trace(nn.Sequential(mlp(), nn.Softmax(-1)), batch())
    assert [(node.op, node.module, node.module_call) for node in run.structure().nodes if node.kind == "op"] == [
        ("linear", "0.0", 2), ("relu", "0.1", 3), ("linear", "0.2", 4), ("softmax", "1", 5),
    ]  # fmt: skip
    assert [m.path for m in run.structure().modules] == ["", "0", "0.0", "0.1", "0.2", "1"]


def test_a_parameter_belongs_to_the_module_that_registered_it():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.linear(x, self.linear.weight)

    assert gnn.trace(Net(), batch()).node("linear.weight").module == "linear"


def test_module_attributes_are_recorded():
    run = gnn.trace(nn.Sequential(nn.Conv2d(1, 2, 3, stride=2), nn.Dropout(0.25)).eval(), torch.ones(1, 1, 8, 8))
    conv, dropout = run.structure().modules[1:]
    assert conv.type == "Conv2d"
    assert conv.bases[0] == "torch.nn.modules.conv.Conv2d"
    assert conv.bases[-1] == "torch.nn.modules.module.Module"
    assert (conv.attributes["in_channels"], conv.attributes["stride"]) == (1, [2, 2])
    assert conv.parameters == ("0.weight", "0.bias")
    assert dropout.attributes == {"p": 0.25, "inplace": False}
    assert not dropout.training


def test_buffers_are_sources_of_their_own_kind():
    run = gnn.trace(nn.BatchNorm1d(3), batch(), loss=lambda y: y.square().mean())
    assert set(sources(run, "buffer")) == {"running_mean", "running_var", "num_batches_tracked"}
    (norm,) = nodes(run, "batch_norm")
    assert feeding(run, norm)["running_mean"] == "running_mean"
    assert [output.version for output in norm.outputs] == ["", "mutated", "mutated"]


def test_lazy_modules_are_recorded_while_they_take_shape():
    model = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(1))

    def loop() -> None:
        model(batch()).mean().backward()
        torch.optim.SGD(model.parameters(), 0.1).step()
        Training(model).steps(1)

    run = record(loop, model)
    assert run.meta.complete
    assert [m.type for m in run.structure(0).modules] == ["Sequential", "Linear", "ReLU", "Linear"]
    for step in (0, 1):
        assert set(sources(run, "parameter", step)) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert operators(run, 1, "forward")[:5] == ["linear", "relu", "linear", "square", "mean"]


def test_a_copy_of_the_model_between_steps_is_another_model():
    training = Training()

    def loop() -> None:
        for _ in range(3):
            training.step()
            average = copy.deepcopy(training.model)
            with torch.no_grad():
                average(batch())

    run = record(loop, training.model)
    assert len({step.info.structure for step in run.steps}) == 1
    assert paths(run) == ["", "0", "1", "2"]


def test_a_parameter_replaced_between_steps_keeps_its_name():
    training = Training()

    def loop() -> None:
        training.step()
        training.model[0].weight = nn.Parameter(torch.ones(4, 3))
        training.__post_init__()
        training.step()

    run = record(loop, training.model, keep="all")
    assert run.steps[0].info.structure == run.steps[1].info.structure
    assert torch.equal(run.value("0.weight", step=1), torch.ones(4, 3))
    assert not torch.equal(run.value("0.weight", step=0), torch.ones(4, 3))
    assert run.gradient("0.weight", step=1) is not None


def test_a_layer_added_between_steps_is_found():
    training = Training()

    def loop() -> None:
        training.step()
        training.model.append(nn.Linear(1, 1))
        training.__post_init__()
        training.step()

    run = record(loop, training.model)
    assert paths(run, 1) == ["", "0", "1", "2", "3"]
    assert "3.weight" in sources(run, "parameter", 1)


def test_arguments_are_named_by_the_parameters_of_forward():
    class Net(nn.Module):
        def forward(self, image: Tensor, *rest: Tensor, mask: Tensor, extra: dict[str, Tensor]) -> Tensor:
            return image * mask + extra["bias"] + rest[0]

    x = batch()
    run = gnn.trace(Net(), x, x + 1, mask=x + 2, extra={"bias": x + 3})
    assert set(sources(run, "input")) == {"image", "input_2", "mask", "extra.bias"}


def test_an_unnamed_input_takes_the_name_under_which_it_is_read():
    target = torch.zeros(5, 1)
    run = gnn.trace(mlp(), batch(), loss=lambda y: nn.functional.mse_loss(y, target))
    assert list(sources(run, "input")) == ["input", "target"]


def test_a_scripted_module_inside_a_model():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(nn.Linear(3, 3))
    run = gnn.trace(nn.Sequential(scripted, nn.Linear(3, 1)), batch(), loss=lambda y: y.mean())
    (opaque,) = [node for node in run.structure().nodes if node.kind == "opaque"]
    assert {"0.weight", "0.bias"} <= set(feeding(run, opaque).values())
    assert run.gradient("0.weight") is not None
