"""Views of recurrent layers and of attention, as a plugin.

The modules that make them are imported when a view is asked for: plugins are loaded whenever any command runs.
"""

from __future__ import annotations

from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import View, ViewData, ViewOptions
from graphviz_nn.plugin import hookimpl


@hookimpl
def register_views() -> list[View]:
    return [
        View("gates", "Gates", _gates, _is_gated, description="gates of an LSTM or GRU over time, unit by step"),
        View("states", "States", _states, _is_recurrent, description="states of a recurrent layer over time"),
        View("through_time", "Through time", _through_time, _has_time,
             description="norm of a recurrent layer's state, or of its gradient, at each step"),
        View("gate_table", "Gate table", _gate_table, _is_gated, description="how far open each gate is"),
        View("attention", "Attention", _attention, _has_attention, description="attention weights, a heat map a head"),
        View("attention_table", "Attention table", _attention_table, _has_heads,
             description="how spread the weights of each head are"),
    ]  # fmt: skip


def _is_recurrent(subject: Subject) -> bool:
    from graphviz_nn_sequence.opened import is_recurrent

    return is_recurrent(subject)


def _is_gated(subject: Subject) -> bool:
    from graphviz_nn_sequence.opened import is_gated

    return is_gated(subject)


def _gates(subject: Subject, options: ViewOptions) -> ViewData:
    from graphviz_nn_sequence.gates import gates

    return gates(subject, options)


def _states(subject: Subject, options: ViewOptions) -> ViewData:
    from graphviz_nn_sequence.gates import states

    return states(subject, options)


def _gate_table(subject: Subject, options: ViewOptions) -> ViewData:
    from graphviz_nn_sequence.gates import gate_table

    return gate_table(subject, options)


def _has_time(subject: Subject) -> bool:
    from graphviz_nn_sequence.through_time import has_time

    return has_time(subject)


def _through_time(subject: Subject, options: ViewOptions) -> ViewData:
    from graphviz_nn_sequence.through_time import through_time

    return through_time(subject, options)


def _has_attention(subject: Subject) -> bool:
    from graphviz_nn_sequence.attention import has_attention

    return has_attention(subject)


def _attention(subject: Subject, options: ViewOptions) -> ViewData:
    from graphviz_nn_sequence.attention import attention

    return attention(subject, options)


def _has_heads(subject: Subject) -> bool:
    return subject.of == "value" and _has_attention(subject)


def _attention_table(subject: Subject, options: ViewOptions) -> ViewData:
    from graphviz_nn_sequence.attention import attention_table

    return attention_table(subject, options)
