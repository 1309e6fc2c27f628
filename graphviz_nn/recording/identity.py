"""Which value a tensor object stands for right now.

`id(tensor)` alone is reused as soon as a tensor dies, so each entry keeps a weak reference and is believed only while
it still leads to that very object. A call that writes in place gives its target a new value; a later read through
another view of the same memory goes through an *alias* node, so that the graph stays in static-single-assignment form.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, Final
from weakref import ref

from torch import Tensor, UntypedStorage
from torch.nn import Parameter

from graphviz_nn.model.nested import sizes
from graphviz_nn.recording import opaque
from graphviz_nn.recording.distributed import shard_of
from graphviz_nn.recording.gradient_hooks import Hook, HookDict, LeafHooks, prepend
from graphviz_nn.recording.known import KnownTensors
from graphviz_nn.recording.tape import ALIAS, CALL, FORWARD, OPAQUE, SOURCE, Form, Tape

OUTSIDE: Final = (None, 0, -1)
"""The module state outside any module: (entry, call, index of the module call)."""

Observer = Callable[[int, Tensor], None]


class Identity:
    """The table from tensor objects to values, and what happens when a value is made.

    Attributes:
        table: by `id(tensor)` a weak reference to it and its value.
        last_write: the first value that the newest in-place write made; a tensor bound at or after it is not stale.
        observe: told of each new value that a call made and its tensor, or None.
        observe_found: told of each value that is read without a call having made it, other than a source, or None.
        make_hook: makes the gradient hook of a value, or None where gradients are not wanted.
        carrier: a tensor that carries the hook of all values of `Tape.single`, or None where gradients are not wanted.
        wrote_leaf: whether the program wrote in place to a leaf that requires a gradient, as an optimizer by hand does.
        transform_inputs: values that a torch.func transform read; what appears next came out of it.
    """

    def __init__(self, tape: Tape, known: KnownTensors) -> None:
        self.tape = tape
        self.known = known
        self.table: dict[int, tuple[ref[Tensor], int]] = {}
        self.last_write = -1
        self.wrote_leaf = False
        self.observe: Observer | None = None
        self.observe_found: Observer | None = None
        self.observe_source: Observer | None = None
        self.make_hook: Callable[[int], Hook] | None = None
        self.carrier: Tensor | None = None
        self.make_leaf_hook: Callable[[int, Tensor], Hook] | None = None
        self.leaf_hooks = LeafHooks()
        self.source_state: Callable[[], tuple[tuple[Any, int, int], int, int]] = lambda: (OUTSIDE, 0, -1)
        self.transform_inputs: set[int] = set()
        self._written: dict[int, tuple[int, int]] = {}
        self._addresses: dict[int, Any] = {}
        self._hooked: dict[int, ref[Tensor]] = {}
        self._leaf_memory: tuple[int, set[int | None]] = (0, set())

    # ---- reading

    def read(self, tensor: Tensor) -> int:
        """Returns the value that the tensor holds now; makes a source, opaque or alias node where needed."""
        entry = self.table.get(id(tensor))
        value = entry[1] if entry is not None and entry[0]() is tensor else self._first_sight(tensor)
        if value < self.last_write:
            key = storage_key(tensor)
            written = self._written.get(key) if key is not None else None
            if written is not None and written[0] > value:
                value = self._alias(tensor, written[1], value)
        return value

    def lookup(self, tensor: Tensor) -> int | None:
        """Returns the tensor's value if it is known, without making anything."""
        entry = self.table.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def _first_sight(self, tensor: Tensor) -> int:
        node = history(tensor)
        if node is not None:
            same = opaque.find(self, tensor)
            if same is not None:
                self.table[id(tensor)] = (ref(tensor), same)
                return same
            inputs = opaque.origins(self, node)
            return self._appeared(tensor, inputs or self._from_transform())
        if self.transform_inputs and not self.known.is_named(tensor):
            return self._appeared(tensor, self._from_transform())
        return self._source(tensor)

    def _from_transform(self) -> tuple[int, ...]:
        found = tuple(sorted(self.transform_inputs))
        self.transform_inputs.clear()
        return found

    def _source(self, tensor: Tensor) -> int:
        tape = self.tape
        state, phase, group = self.source_state()
        kind, naming = self.known.describe(tensor, state[0])
        if kind is None:
            kind = "constant" if state[2] >= 0 or phase else "input"
        if kind == "input":  # an argument belongs to the program, not to the module that happens to read it first
            state, group = OUTSIDE, -1
        tape.source_names[len(tape.ops)] = naming
        value = self.bind(tensor, instrument=False)
        tape.ops.append((kind, state, None, 0, phase, group, (), value, 1, SOURCE, None, None))
        tape.times.append(perf_counter())
        tape.order.append(CALL)
        if tensor.requires_grad:
            self.hook_leaf(tensor, value)
        if self.observe_source is not None:
            self.observe_source(value, tensor)
        return value

    def _appeared(self, tensor: Tensor, inputs: tuple[int, ...]) -> int:
        tape = self.tape
        state, phase, group = self.source_state()
        value = self.bind(tensor, made=False)
        node = history(tensor)
        label = opaque.readable_name(node) if node is not None else "opaque"
        tape.ops.append((label, state, None, 0, phase, group, inputs, value, 1, OPAQUE, None, None))
        tape.times.append(perf_counter())
        tape.order.append(CALL)
        return value

    def _alias(self, tensor: Tensor, written: int, before: int) -> int:
        """Reads, through the view that value `before` is, what `written` left in the memory that they share."""
        tape = self.tape
        state, phase, group = self.source_state()
        value = self.bind(tensor, made=False)
        tape.ops.append(("alias", state, None, 0, phase, group, (written, before), value, 1, ALIAS, None, None))
        tape.times.append(perf_counter())
        tape.order.append(CALL)
        return value

    # ---- making

    def bind(self, tensor: Tensor, *, instrument: bool = True, made: bool = True) -> int:
        """Gives the tensor a new value, with its gradient hook, and tells the observer. Returns the value.

        `made`: the call that is being recorded made it.
        """
        tape = self.tape
        value = len(tape.values)
        requires_grad = tensor.requires_grad
        tape.values.append(self._form(tensor, requires_grad))
        self.table[id(tensor)] = (ref(tensor), value)
        if not is_plain(tensor):
            shard = shard_of(tensor)
            if shard is not None:
                tape.shards[value] = shard
        if not instrument:
            return value
        if requires_grad:
            node = history(tensor)
            if node is None:
                self.hook_leaf(tensor, value)
            else:
                self.hook(tensor, node, value)
        observe = self.observe if made else self.observe_found
        if observe is not None:
            observe(value, tensor)
        return value

    def _form(self, tensor: Tensor, requires_grad: bool) -> Form:
        form = (sizes(tensor), tensor.dtype, tensor.device, requires_grad)
        try:
            return self.tape.forms.setdefault(form, form)
        except TypeError:  # a size that is a symbol
            return form

    def bind_all(self, result: Any) -> int:
        """Binds every tensor in nested tuples, lists and dicts, in order. Returns how many."""
        if isinstance(result, Tensor):
            self.bind(result)
            return 1
        if isinstance(result, (tuple, list)):
            return sum(self.bind_all(item) for item in result)
        if isinstance(result, dict):
            return sum(self.bind_all(item) for item in result.values())
        return 0

    def hook(self, tensor: Tensor, node: Any, value: int) -> None:
        """Notes which autograd node the value came out of, and puts a hook of its own on it.

        It is what `Tensor.register_hook` does, without its handle, and with ours before any hook of the user's. The
        shared hook does where it can: for the first output of a node that the recorded thread made.
        """
        number = node._sequence_nr()
        if (
            self.carrier is not None
            and self.source_state()[1] == FORWARD
            and tensor._backward_hooks is None
            and tensor.output_nr == 0
            and self.tape.single.setdefault(number, value) is value
        ):
            node._register_hook_dict(self.carrier)
            return
        self.tape.sequence[number] = value
        if self.make_hook is None:
            return
        hooks: dict[int, Any] | None = tensor._backward_hooks
        if hooks is None:
            hooks = HookDict()
            hooks[-1 - value] = self.make_hook(value)
            tensor._backward_hooks = hooks
            node._register_hook_dict(tensor)
        else:
            prepend(hooks, -1 - value, self.make_hook(value))

    def hook_leaf(self, tensor: Tensor, value: int) -> None:
        """Hooks a leaf once: its gradient belongs to the first value that it had, however it is written later."""
        hooked = self._hooked.get(id(tensor))
        if self.make_leaf_hook is not None and (hooked is None or hooked() is not tensor):
            self._hooked[id(tensor)] = ref(tensor)
            self.leaf_hooks.add(tensor, value, self.make_leaf_hook(value, tensor))

    def mutated(self, tensor: Tensor) -> int:
        """Gives a tensor that was written in place (and the tensor that it is a view of) a new value.

        Returns how many values were made.
        """
        versions = self.tape.versions
        storage = storage_of(tensor)
        key = None if storage is None else storage._cdata
        if self.tape.passes:
            self._note_update(tensor, key)
        first = value = self.bind(tensor)
        versions[value] = "mutated"
        count = 1
        if tensor._is_view():
            base = tensor._base
            if base is not None and base is not tensor:
                value = self.bind(base)
                versions[value] = "base"
                count = 2
        if storage is not None and key is not None:
            if key not in self._addresses:  # a weak reference keeps it from being reused, see `release`
                self._addresses[key] = storage._weak_ref()
            self._written[key] = first, value
        self.last_write = first
        return count

    def _note_update(self, tensor: Tensor, key: int | None) -> None:
        """Notes that the program updates a parameter by itself: written outside any module, after a backward pass.

        It may write through `p.data` or a view, which is a leaf of its own but has the parameter's memory.
        """
        if self.source_state()[0] is OUTSIDE and not self.wrote_leaf:
            leaf = tensor.requires_grad and is_leaf(tensor)
            self.wrote_leaf = leaf or (key is not None and key in self._hooked_memory())

    def release(self) -> None:
        """Gives back the addresses of written memory. Safe to call twice."""
        addresses, self._addresses = self._addresses, {}
        for reference in addresses.values():
            UntypedStorage._free_weak_ref(reference)  # type: ignore[no-untyped-call]

    def _hooked_memory(self) -> set[int | None]:
        if self._leaf_memory[0] != len(self._hooked):
            leaves = (reference() for reference in self._hooked.values())
            self._leaf_memory = len(self._hooked), {storage_key(leaf) for leaf in leaves if leaf is not None}
        return self._leaf_memory[1]


def history(tensor: Tensor) -> Any:
    """Returns the tensor's `grad_fn`.

    Autograd refuses to say for a view made under no_grad whose base was written since; such a view has none.
    """
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def is_leaf(tensor: Tensor) -> bool:
    """Whether autograd treats the tensor as a leaf; False where it refuses to say (see `history`)."""
    try:
        return tensor.is_leaf
    except RuntimeError:
        return False


def storage_of(tensor: Tensor) -> UntypedStorage | None:
    """Returns the tensor's storage, or None where it has none of its own (sparse, wrappers)."""
    try:
        return tensor.untyped_storage()
    except (RuntimeError, NotImplementedError):
        return None


def storage_key(tensor: Tensor) -> int | None:
    """Returns the address of the tensor's storage, or None where it has none of its own."""
    storage = storage_of(tensor)
    return None if storage is None else int(storage._cdata)


def is_plain(tensor: Tensor) -> bool:
    """Whether the tensor is a `torch.Tensor` or a `Parameter`, not some other subclass."""
    return type(tensor) is Tensor or type(tensor) is Parameter
