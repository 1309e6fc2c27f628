"""Views of convolutional and attention networks, as a plugin.

The modules that make them are imported when a view is made: plugins are loaded whenever any command runs.
"""

from __future__ import annotations

from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import View, ViewData, ViewOptions
from graphviz_nn.plugin import hookimpl


@hookimpl
def register_views() -> list[View]:
    return [
        View(
            "feature_maps",
            "Feature maps",
            _feature_maps,
            _has_maps,
            description="the channels of a value or gradient of a convolutional layer, as images",
        ),
    ]


def _has_maps(subject: Subject) -> bool:
    from graphviz_nn_vision.maps import has_maps

    return has_maps(subject)


def _feature_maps(subject: Subject, options: ViewOptions) -> ViewData:
    from graphviz_nn_vision.maps import feature_maps

    return feature_maps(subject, options)
