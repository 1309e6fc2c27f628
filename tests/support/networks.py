"""Graphs shaped like well-known networks, as boxes and wires for the layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from graphviz_nn.layout.geometry import Box, Wire

Value = int


@dataclass(slots=True)
class Network:
    """Builds a tree of boxes call by call.

    `call` makes a leaf inside the container of that path ("encoder.layer0") and returns its key, which later calls
    name as input. Containers are made as they are first named.
    """

    root: Box = field(default_factory=lambda: Box("", 0, 0))
    wires: list[Wire] = field(default_factory=list)
    labels: dict[int, str] = field(default_factory=dict)
    _containers: dict[str, Box] = field(default_factory=dict)

    def call(self, path: str, label: str, *inputs: Value | tuple[Value, int]) -> Value:
        """A leaf; an input is a call's key, or `(key, output)` for one of several outputs."""
        key = len(self.labels)
        self.labels[key] = label
        self._container(path).children.append(Box(key, max(64.0, 7.0 * len(label) + 24), 38.0, kind=label))
        for each in inputs:
            source, output = each if isinstance(each, tuple) else (each, 0)
            self.wires.append(Wire(source, key, (source, output)))
        return key

    def _container(self, path: str) -> Box:
        if not path:
            return self.root
        if path not in self._containers:
            outer, _, name = path.rpartition(".")
            title = 7.0 * len(name) + 12
            box = Box(path, title + 28, 0.0, title_height=24.0, title_width=title)
            self._containers[path] = box
            self._container(outer).children.append(box)
        return self._containers[path]

    def flat(self) -> Network:
        """The same calls without containers."""
        leaves = [box for box in self.root.walk() if not box.children]
        leaves.sort(key=lambda box: int(str(box.key)))
        return Network(Box("", 0, 0, leaves), self.wires, self.labels)

    def __len__(self) -> int:
        return len(self.labels)


def resnet(blocks: int = 16) -> Network:
    """A residual network of bottleneck blocks in four stages, the first of each with a projected shortcut."""
    net = Network()
    x = net.call("", "input")
    for label in ("conv2d 7x7,64", "batch_norm", "relu", "max_pool2d"):
        x = net.call("resnet", label, x)
    per_stage = max(1, blocks // 4)
    for block in range(blocks):
        stage = min(block // per_stage, 3)
        path = f"resnet.layer{stage + 1}.{block - stage * per_stage}"
        shortcut = x
        for number, kernel in enumerate((1, 3, 1)):
            x = net.call(path, f"conv2d {kernel}x{kernel},{64 << stage}", x)
            x = net.call(path, "batch_norm", x)
            if number < 2:
                x = net.call(path, "relu", x)
        if block % per_stage == 0:
            shortcut = net.call(f"{path}.downsample", "conv2d 1x1", shortcut)
            shortcut = net.call(f"{path}.downsample", "batch_norm", shortcut)
        x = net.call(path, "relu", net.call(path, "add", x, shortcut))
    for label in ("avg_pool2d", "flatten", "linear 2048,1000"):
        x = net.call("resnet", label, x)
    net.call("", "cross_entropy", x)
    return net


def unet(depth: int = 4) -> Network:
    """An encoder and a decoder with a skip connection on each scale."""
    net = Network()
    x = net.call("", "input")

    def double(path: str, x: Value) -> Value:
        for _ in range(2):
            x = net.call(path, "relu", net.call(path, "batch_norm", net.call(path, "conv2d 3x3", x)))
        return x

    skips = []
    for level in range(depth):
        x = double(f"unet.down{level}", x)
        skips.append(x)
        x = net.call("unet", "max_pool2d", x)
    x = double("unet.bottom", x)
    for level in reversed(range(depth)):
        x = net.call("unet", "conv_transpose2d", x)
        x = net.call("unet", "cat", skips[level], x)
        x = double(f"unet.up{level}", x)
    net.call("", "mse_loss", net.call("unet", "conv2d 1x1", x))
    return net


def gpt(layers: int = 12) -> Network:
    """A decoder-only transformer with its attention and its GELU written out, 33 calls a block."""
    net = Network()
    tokens = net.call("", "input_ids")
    positions = net.call("gpt", "arange")
    x = net.call("gpt", "add", net.call("gpt", "embedding wte", tokens), net.call("gpt", "embedding wpe", positions))
    x = net.call("gpt", "dropout", x)
    mask = net.call("gpt", "causal_mask")
    for layer in range(layers):
        path = f"gpt.h.{layer}"
        x = net.call(path, "add", x, _attention(net, f"{path}.attn", net.call(path, "layer_norm", x), mask))
        x = net.call(path, "add", x, _mlp(net, f"{path}.mlp", net.call(path, "layer_norm", x)))
    x = net.call("gpt", "linear lm_head", net.call("gpt", "layer_norm", x))
    net.call("", "cross_entropy", x, tokens)
    return net


def _attention(net: Network, path: str, x: Value, mask: Value) -> Value:
    split = net.call(path, "split 768", net.call(path, "addmm c_attn", x))
    q, k, v = (net.call(path, "transpose", net.call(path, "view", (split, n))) for n in range(3))
    scores = net.call(path, "matmul", q, net.call(path, "transpose", k))
    masked = net.call(path, "where", net.call(path, "div", scores), mask)
    weights = net.call(path, "dropout", net.call(path, "softmax", masked))
    x = net.call(path, "matmul", weights, v)
    for label in ("transpose", "contiguous", "view", "addmm c_proj", "dropout"):
        x = net.call(path, label, x)
    return x


def _mlp(net: Network, path: str, x: Value) -> Value:
    x = net.call(path, "addmm c_fc", x)
    gelu = f"{path}.act"
    inner = net.call(gelu, "mul .0447", net.call(gelu, "pow", x))
    inner = net.call(gelu, "add 1", net.call(gelu, "tanh", net.call(gelu, "add", x, inner)))
    x = net.call(gelu, "mul", net.call(gelu, "mul .5", x), inner)
    return net.call(path, "dropout", net.call(path, "addmm c_proj", x))


def lstm(steps: int = 50, layers: int = 2) -> Network:
    """An LSTM unrolled over time, written in elementwise operations, 13 calls a cell."""
    net = Network()
    sequence = net.call("lstm", "unbind", net.call("", "input"))
    hidden = [net.call("lstm", f"h0[{n}]") for n in range(layers)]
    state = [net.call("lstm", f"c0[{n}]") for n in range(layers)]
    outputs = []
    for step in range(steps):
        x: Value | tuple[Value, int] = (sequence, step)
        for n in range(layers):
            hidden[n], state[n] = _cell(net, f"lstm.step{step}.cell{n}", x, hidden[n], state[n])
            x = hidden[n]
        outputs.append(hidden[-1])
    net.call("", "mse_loss", net.call("lstm", "linear", net.call("lstm", "stack", *outputs)))
    return net


def _cell(net: Network, path: str, x: Value | tuple[Value, int], h: Value, c: Value) -> tuple[Value, Value]:
    gates = net.call(path, "add", net.call(path, "linear ih", x), net.call(path, "linear hh", h))
    chunks = net.call(path, "chunk 4", gates)
    names = ("sigmoid i", "sigmoid f", "tanh g", "sigmoid o")
    i, f, g, o = (net.call(path, name, (chunks, n)) for n, name in enumerate(names))
    c = net.call(path, "add", net.call(path, "mul", f, c), net.call(path, "mul", i, g))
    return net.call(path, "mul", o, net.call(path, "tanh", c)), c


def densenet(blocks: int = 3, layers: int = 6) -> Network:
    """Blocks in which every layer reads all layers before it."""
    net = Network()
    x = net.call("", "input")
    for block in range(blocks):
        seen = [x]
        for layer in range(layers):
            path = f"densenet.block{block}.layer{layer}"
            x = net.call(path, "cat", *seen) if len(seen) > 1 else x
            for label in ("batch_norm", "relu", "conv2d 3x3"):
                x = net.call(path, label, x)
            seen.append(x)
        x = net.call(f"densenet.transition{block}", "conv2d 1x1", net.call(f"densenet.block{block}", "cat", *seen))
        x = net.call(f"densenet.transition{block}", "avg_pool2d", x)
    net.call("", "cross_entropy", net.call("densenet", "linear", x))
    return net


def inception(blocks: int = 4) -> Network:
    """Blocks of four parallel branches of different length."""
    net = Network()
    x = net.call("", "input")
    branches = (("conv2d 1x1",), ("conv2d 1x1", "conv2d 5x5"), ("conv2d 1x1", "conv2d 3x3", "conv2d 3x3"))
    for block in range(blocks):
        ends = []
        for number, branch in enumerate((*branches, ("avg_pool2d", "conv2d 1x1"))):
            y = x
            for label in branch:
                y = net.call(f"inception.mixed{block}.branch{number}", label, y)
                y = net.call(f"inception.mixed{block}.branch{number}", "relu", y)
            ends.append(y)
        x = net.call(f"inception.mixed{block}", "cat", *ends)
    net.call("", "cross_entropy", net.call("inception", "linear", x))
    return net


def moe(layers: int = 2, experts: int = 4) -> Network:
    """Transformer blocks whose feed-forward part is a router and several experts."""
    net = Network()
    x = net.call("moe", "embedding", net.call("", "input_ids"))
    mask = net.call("moe", "causal_mask")
    for layer in range(layers):
        path = f"moe.layers.{layer}"
        x = net.call(path, "add", x, _attention(net, f"{path}.attn", net.call(path, "rms_norm", x), mask))
        y = net.call(path, "rms_norm", x)
        top = net.call(
            f"{path}.router", "topk", net.call(f"{path}.router", "softmax", net.call(f"{path}.router", "linear", y))
        )
        total = net.call(path, "zeros_like", y)
        for expert in range(experts):
            inside = f"{path}.experts.{expert}"
            chosen = net.call(path, "index", y, (top, 1))
            up = net.call(inside, "silu", net.call(inside, "linear w1", chosen))
            out = net.call(inside, "linear w2", net.call(inside, "mul", up, net.call(inside, "linear w3", chosen)))
            total = net.call(path, "index_add", total, net.call(path, "mul", out, (top, 0)))
        x = net.call(path, "add", x, total)
    net.call("", "cross_entropy", net.call("moe", "lm_head", x))
    return net


NETWORKS: dict[str, Callable[[], Network]] = {
    "resnet": resnet,
    "unet": unet,
    "gpt": gpt,
    "lstm": lstm,
    "densenet": densenet,
    "inception": inception,
    "moe": moe,
}
