"""Structures built by hand: what a recorder would write down for some well-known networks, without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

from graphviz_nn.model.modules import Module, ModuleCall
from graphviz_nn.model.nodes import Input, Node, Output, Source, ValueRef
from graphviz_nn.model.structure import Structure

_BASES = {
    "Conv2d": "torch.nn.modules.conv.Conv2d",
    "BatchNorm2d": "torch.nn.modules.batchnorm.BatchNorm2d",
    "ReLU": "torch.nn.modules.activation.ReLU",
    "GELU": "torch.nn.modules.activation.GELU",
    "Linear": "torch.nn.modules.linear.Linear",
    "LayerNorm": "torch.nn.modules.normalization.LayerNorm",
    "Dropout": "torch.nn.modules.dropout.Dropout",
    "Embedding": "torch.nn.modules.sparse.Embedding",
    "MaxPool2d": "torch.nn.modules.pooling.MaxPool2d",
    "LSTMCell": "torch.nn.modules.rnn.LSTMCell",
    "Sequential": "torch.nn.modules.container.Sequential",
}
_ROOT = "torch.nn.modules.module.Module"


class StructureBuilder:
    """Writes nodes in order of execution: `value = builder.op("relu", value)`, inside `with builder.module(...)`."""

    def __init__(self, file: str = "/project/model.py") -> None:
        self.file = file
        self._nodes: list[Node] = []
        self._modules: dict[str, Module] = {}
        self._calls: list[ModuleCall] = []
        self._counts: Counter[str] = Counter()
        self._stack: list[int] = []
        self._parents: list[str] = []
        self._children: dict[str, list[int]] = {}
        self._names: dict[str, int] = {}
        self._parameters: dict[str, ValueRef] = {}
        self.line = 1

    def build(self) -> Structure:
        return Structure(tuple(self._nodes), tuple(self._modules.values()), tuple(self._calls))

    @contextmanager
    def module(self, name: str, type_name: str, **attributes: Any) -> Iterator[None]:
        """A call of the child module `name` ("" for the root) of the module being called."""
        outer = self._calls[self._stack[-1]].path if self._stack else ""
        path = f"{outer}.{name}" if outer and name else name or outer
        if path not in self._modules:
            bases = (_BASES.get(type_name, f"project.{type_name}"), _ROOT)
            self._modules[path] = Module(path, type_name, bases, attributes, (), True)
        self._counts[path] += 1
        self._calls.append(ModuleCall(path, self._counts[path], self._stack[-1] if self._stack else None))
        self._stack.append(len(self._calls) - 1)
        yield
        self._stack.pop()

    @contextmanager
    def function(
        self, op: str, kind: str, inputs: Sequence[ValueRef], shape: tuple[int, ...]
    ) -> Iterator[list[ValueRef]]:
        """A composite or custom function with calls inside; its value, if it makes one, is put into the list."""
        marker = f"{op}@{len(self._nodes)}"
        self._parents.append(marker)
        self._children[marker] = []
        results: list[ValueRef] = []
        yield results
        self._parents.pop()
        shapes = [shape] if kind == "custom" else []
        value = self._add(kind, op, inputs, shapes, {})
        for child in self._children.pop(marker):
            fields = {name: getattr(self._nodes[child], name) for name in Node.__struct_fields__}
            self._nodes[child] = Node(**{**fields, "parent": value.node})
        if kind == "custom":
            results.append(value)

    def input(self, name: str, shape: tuple[int, ...], dtype: str = "float32") -> ValueRef:
        return self._source("input", name, shape, dtype, requires_grad=False)

    def constant(self, name: str, shape: tuple[int, ...], dtype: str = "float32") -> ValueRef:
        return self._source("constant", name, shape, dtype, requires_grad=False)

    def buffer(self, name: str, shape: tuple[int, ...], dtype: str = "float32") -> ValueRef:
        return self._source("buffer", self._local(name), shape, dtype, requires_grad=False)

    def parameter(self, name: str, shape: tuple[int, ...], requires_grad: bool = True) -> ValueRef:
        full = self._local(name)
        if full not in self._parameters:
            self._parameters[full] = self._source("parameter", full, shape, "float32", requires_grad)
        return self._parameters[full]

    def op(
        self,
        op: str,
        *inputs: ValueRef,
        shape: tuple[int, ...] | None = None,
        shapes: Sequence[tuple[int, ...]] = (),
        kind: str = "op",
        role: str = "",
        phase: str = "forward",
        line: int | None = None,
        dtype: str = "float32",
        **attributes: Any,
    ) -> ValueRef:
        """One call; its output is shaped like its first input unless `shape` or `shapes` says otherwise."""
        if not shapes:
            first = shape if shape is not None else self._nodes[inputs[0].node].outputs[inputs[0].index].shape
            shapes = [first]
        return self._add(kind, op, inputs, shapes, attributes, role, phase, line, dtype)

    def conv(self, name: str, x: ValueRef, channels: int, kernel: int = 3, stride: int = 1) -> ValueRef:
        """A Conv2d module without bias."""
        batch, inputs, height, width = self.shape(x)
        sizes = {"kernel_size": (kernel, kernel), "stride": (stride, stride), "padding": (kernel // 2, kernel // 2)}
        with self.module(name, "Conv2d", in_channels=inputs, out_channels=channels, groups=1, dilation=(1, 1), **sizes):
            weight = self.parameter("weight", (channels, inputs, kernel, kernel))
            shape = (batch, channels, height // stride, width // stride)
            return self.op("conv2d", x, weight, shape=shape, stride=[stride, stride])

    def norm(self, name: str, x: ValueRef) -> ValueRef:
        """A BatchNorm2d module in training, with the buffer that counts its batches."""
        channels = self.shape(x)[1]
        with self.module(name, "BatchNorm2d", num_features=channels, eps=1e-5):
            count = self.buffer("num_batches_tracked", (), "int64")
            self.op("add_", count, shape=())
            weight, bias = self.parameter("weight", (channels,)), self.parameter("bias", (channels,))
            return self.op("batch_norm", x, weight, bias, training=True)

    def linear(self, name: str, x: ValueRef, features: int) -> ValueRef:
        inputs = self.shape(x)[-1]
        with self.module(name, "Linear", in_features=inputs, out_features=features, bias=True):
            weight, bias = self.parameter("weight", (features, inputs)), self.parameter("bias", (features,))
            return self.op("linear", x, weight, bias, shape=(*self.shape(x)[:-1], features))

    def layer(self, name: str, type_name: str, op: str, x: ValueRef, shape: tuple[int, ...] | None = None) -> ValueRef:
        """A module without parameters that calls one operator."""
        with self.module(name, type_name):
            return self.op(op, x, shape=shape)

    def layer_norm(self, name: str, x: ValueRef) -> ValueRef:
        width = self.shape(x)[-1]
        with self.module(name, "LayerNorm", normalized_shape=(width,), eps=1e-5):
            return self.op("layer_norm", x, self.parameter("weight", (width,)), self.parameter("bias", (width,)))

    def shape(self, value: ValueRef) -> tuple[int, ...]:
        return self._nodes[value.node].outputs[value.index].shape

    def _local(self, name: str) -> str:
        outer = self._calls[self._stack[-1]].path if self._stack else ""
        return f"{outer}.{name}" if outer else name

    def _source(self, kind: str, name: str, shape: tuple[int, ...], dtype: str, requires_grad: bool) -> ValueRef:
        output = _output(shape, dtype, requires_grad)
        names = (name,) if kind in ("parameter", "buffer") else ()
        place = self._place() if names else (None, 0, None)
        node = Node(
            len(self._nodes),
            kind,
            kind,
            self._unique(name),
            *place,
            None,
            "forward",
            None,
            "",
            None,
            {},
            (),
            (output,),
            names,
        )
        self._nodes.append(node)
        return ValueRef(node.id, 0)

    def _place(self) -> tuple[str | None, int, int | None]:
        if not self._stack:
            return None, 0, None
        call = self._calls[self._stack[-1]]
        return call.path, call.call, self._stack[-1]

    def _add(
        self,
        kind: str,
        op: str,
        inputs: Sequence[ValueRef],
        shapes: Sequence[tuple[int, ...]],
        attributes: dict[str, Any],
        role: str = "",
        phase: str = "forward",
        line: int | None = None,
        dtype: str = "float32",
    ) -> ValueRef:
        module, call, module_call = self._place()
        number = len(self._nodes)
        name = self._unique(module if module and self._is_leaf(module) else f"{module}.{op}" if module else op)
        self.line += 1
        source = Source(self.file, line if line is not None else self.line, "forward")
        edges = tuple(Input(v.node, v.index, _ARGUMENTS[min(i, 3)]) for i, v in enumerate(inputs))
        outputs = tuple(_output(shape, dtype, dtype == "float32", role) for shape in shapes)
        self._nodes.append(
            Node(
                number,
                kind,
                op,
                name,
                module,
                call,
                module_call,
                source,
                phase,
                None,
                f"torch.{op}",
                None,
                attributes,
                edges,
                outputs,
            )
        )
        if self._parents:
            self._children[self._parents[-1]].append(number)
        return ValueRef(number, 0)

    def _is_leaf(self, path: str) -> bool:
        return self._modules[path].bases[0].startswith("torch.nn.")

    def _unique(self, name: str) -> str:
        count = self._names.get(name, 0)
        self._names[name] = count + 1
        return f"{name}_{count}" if count else name


_ARGUMENTS = ("input", "weight", "bias", "other")


def _output(shape: tuple[int, ...], dtype: str, requires_grad: bool, role: str = "") -> Output:
    return Output(shape, dtype, "cpu", requires_grad, 4 * prod(shape), role)


def resnet(
    blocks: Sequence[int] = (2, 2, 2, 2), bottleneck: bool = False, batch: int = 8, loss: bool = True
) -> Structure:
    """A residual network: (2, 2, 2, 2) is ResNet-18; (3, 4, 6, 3) with bottlenecks ResNet-50."""
    b = StructureBuilder()
    x = b.input("x", (batch, 3, 224, 224))
    with b.module("", "ResNet"):
        x = b.layer("relu", "ReLU", "relu", b.norm("bn1", b.conv("conv1", x, 64, 7, 2)))
        x = b.layer("maxpool", "MaxPool2d", "max_pool2d", x, (batch, 64, 56, 56))
        for stage, count in enumerate(blocks):
            with b.module(f"layer{stage + 1}", "Sequential"):
                for index in range(count):
                    stride = 2 if stage and not index else 1
                    x = _residual_block(b, str(index), x, 64 << stage, stride, bottleneck)
        width = b.shape(x)[1]
        x = b.layer("avgpool", "AdaptiveAvgPool2d", "adaptive_avg_pool2d", x, (batch, width, 1, 1))
        x = b.op("flatten", x, shape=(batch, width), start_dim=1)
        x = b.linear("fc", x, 1000)
    if loss:
        target = b.input("target", (batch,), "int64")
        b.op("cross_entropy", x, target, shape=(), role="loss")
    return b.build()


def _residual_block(b: StructureBuilder, name: str, x: ValueRef, width: int, stride: int, bottleneck: bool) -> ValueRef:
    out = width * 4 if bottleneck else width
    plan = [(width, 1, 1), (width, 3, stride), (out, 1, 1)] if bottleneck else [(width, 3, stride), (width, 3, 1)]
    with b.module(name, "Bottleneck" if bottleneck else "BasicBlock"):
        y = x
        for place, (channels, kernel, step) in enumerate(plan, 1):
            y = b.norm(f"bn{place}", b.conv(f"conv{place}", y, channels, kernel, step))
            if place < len(plan):
                y = b.layer("relu", "ReLU", "relu", y)
        if stride != 1 or b.shape(x)[1] != out:
            with b.module("downsample", "Sequential"):
                x = b.norm("1", b.conv("0", x, out, 1, stride))
        return b.layer("relu", "ReLU", "relu", b.op("add_", y, x))


def unet(depth: int = 4, batch: int = 2) -> Structure:
    """A U-Net: each level down halves the picture, each level up concatenates what the same level down made."""
    b = StructureBuilder()
    x = b.input("image", (batch, 3, 256, 256))
    with b.module("", "UNet"):
        skips = []
        for level in range(depth):
            x = _double_conv(b, f"down{level + 1}", x, 32 << level)
            skips.append(x)
            n, c, h, w = b.shape(x)
            x = b.layer(f"pool{level + 1}", "MaxPool2d", "max_pool2d", x, (n, c, h // 2, w // 2))
        x = _double_conv(b, "bottom", x, 32 << depth)
        for level in reversed(range(depth)):
            n, c, h, w = b.shape(x)
            with b.module(f"up{level + 1}", "ConvTranspose2d"):
                weight = b.parameter("weight", (c, c // 2, 2, 2))
                x = b.op("conv_transpose2d", x, weight, shape=(n, c // 2, h * 2, w * 2))
            x = b.op("cat", skips[level], x, shape=(n, c, h * 2, w * 2), dim=1)
            x = _double_conv(b, f"merge{level + 1}", x, 32 << level)
        x = b.conv("head", x, 2, 1)
    b.op("cross_entropy", x, b.input("mask", (batch, 256, 256), "int64"), shape=(), role="loss")
    return b.build()


def _double_conv(b: StructureBuilder, name: str, x: ValueRef, channels: int) -> ValueRef:
    with b.module(name, "DoubleConv"):
        for place in (1, 2):
            x = b.layer(f"relu{place}", "ReLU", "relu", b.norm(f"norm{place}", b.conv(f"conv{place}", x, channels)))
    return x


def transformer(layers: int = 12, width: int = 768, heads: int = 12, tokens: int = 128) -> Structure:
    """A decoder in the manner of GPT-2, with its attention written out: 28 calls a layer."""
    b = StructureBuilder()
    ids = b.input("input_ids", (1, tokens), "int64")
    with b.module("", "GPT"):
        x = b.op(
            "add",
            _embedding(b, "wte", ids, 50257, width),
            _embedding(b, "wpe", b.buffer("positions", (1, tokens), "int64"), 1024, width, tokens),
        )
        mask = b.constant("causal_mask", (1, 1, tokens, tokens), "bool")
        x = b.layer("drop", "Dropout", "dropout", x)
        for index in range(layers):
            x = _transformer_block(b, f"h.{index}", x, mask, heads)
        x = b.layer_norm("ln_f", x)
        logits = b.linear("lm_head", x, 50257)
    b.op("cross_entropy", logits, ids, shape=(), role="loss")
    return b.build()


def _embedding(
    b: StructureBuilder, name: str, ids: ValueRef, rows: int, width: int, tokens: int | None = None
) -> ValueRef:
    with b.module(name, "Embedding", num_embeddings=rows, embedding_dim=width):
        shape = (1, tokens or b.shape(ids)[1], width)
        return b.op("embedding", ids, b.parameter("weight", (rows, width)), shape=shape)


def _transformer_block(b: StructureBuilder, name: str, x: ValueRef, mask: ValueRef, heads: int) -> ValueRef:
    n, t, width = b.shape(x)
    split = (n, heads, t, width // heads)
    with b.module(name, "Block"):
        y = b.layer_norm("ln_1", x)
        with b.module("attn", "Attention"):
            node = b.op("split", b.linear("c_attn", y, 3 * width), shapes=[(n, t, width)] * 3, split_size=width).node
            q, k, v = (
                b.op(
                    "transpose",
                    b.op("view", ValueRef(node, i), shape=(n, t, heads, width // heads)),
                    shape=split,
                    dim0=1,
                    dim1=2,
                )
                for i in range(3)
            )
            k = b.op("transpose", k, shape=(n, heads, width // heads, t), dim0=-2, dim1=-1)
            scores = b.op("div", b.op("matmul", q, k, shape=(n, heads, t, t)), other=8.0)
            weights = b.op("softmax", b.op("where", scores, mask), dim=-1)
            weights = b.layer("attn_dropout", "Dropout", "dropout", weights)
            y = b.op(
                "transpose",
                b.op("matmul", weights, v, shape=split),
                shape=(n, t, heads, width // heads),
                dim0=1,
                dim1=2,
            )
            y = b.op("contiguous", y, kind="noop")
            y = b.linear("c_proj", b.op("view", y, shape=(n, t, width)), width)
            y = b.layer("resid_dropout", "Dropout", "dropout", y)
        x = b.op("add", x, y)
        y = b.layer_norm("ln_2", x)
        with b.module("mlp", "MLP"):
            y = b.layer("act", "GELU", "gelu", b.linear("c_fc", y, 4 * width))
            y = b.layer("dropout", "Dropout", "dropout", b.linear("c_proj", y, width))
        return b.op("add", x, y)


def lstm(steps: int = 50, batch: int = 16, width: int = 64) -> Structure:
    """One LSTMCell called over `steps` time steps, a linear layer on the mean of its states."""
    b = StructureBuilder()
    x = b.input("x", (batch, steps, width))
    with b.module("", "Tagger"):
        h, c = b.op("zeros", shape=(batch, width)), b.op("zeros", shape=(batch, width))
        states = []
        for step in range(steps):
            now = b.op("getitem", x, shape=(batch, width), line=20, index=[":", step])
            with b.module("cell", "LSTMCell", input_size=width, hidden_size=width):
                weights = [b.parameter("weight_ih", (4 * width, width)), b.parameter("weight_hh", (4 * width, width))]
                node = b.op("lstm_cell", now, h, c, *weights, shapes=[(batch, width)] * 2, line=21).node
            h, c = ValueRef(node, 0), ValueRef(node, 1)
            states.append(h)
        out = b.op("mean", b.op("stack", *states, shape=(batch, steps, width), dim=1), shape=(batch, width), dim=1)
        out = b.linear("out", out, 4)
    b.op("cross_entropy", out, b.input("target", (batch,), "int64"), shape=(), role="loss")
    return b.build()


def broken() -> Structure:
    """A step that ended in its second linear layer: the shapes do not fit."""
    b = StructureBuilder()
    x = b.input("x", (8, 32))
    with b.module("", "MLP"):
        x = b.layer("act", "ReLU", "relu", b.linear("fc1", x, 64))
        with b.module("fc2", "Linear", in_features=32, out_features=4, bias=True):
            weight = b.parameter("weight", (4, 32))
            b.op("linear", x, weight, shape=(8, 4), error="RuntimeError: mat1 and mat2 shapes cannot be multiplied")
    return b.build()


def functions() -> Structure:
    """A module around one composite, a custom function, and calls that a picture hides."""
    b = StructureBuilder()
    x = b.input("x", (4, 10, 32))
    with b.module("", "Net"):
        with b.module("attention", "MultiheadAttention"):
            projection = b.parameter("in_proj_weight", (96, 32))
            with b.function("multi_head_attention_forward", "composite", [x], (4, 10, 32)):
                y = b.op("linear", x, projection, shape=(4, 10, 96))
                y = b.op("scaled_dot_product_attention", y, shape=(4, 10, 32))
        y = b.op("contiguous", y, kind="noop")
        with b.function("Clip", "custom", [y], (4, 10, 32)) as results:
            b.op("clamp", b.op("mul", y))
        b.op("item", b.op("sum", results[0], shape=()), shape=(), kind="scalar")
        b.op("relu", results[0], role="output")
    return b.build()
