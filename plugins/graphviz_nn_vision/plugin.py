"""Views of convolutional networks, as a plugin.

The modules that make them are imported when a view is asked for: plugins are loaded whenever any command runs.
"""

from __future__ import annotations

from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import View, ViewData, ViewOptions
from graphviz_nn.plugin import hookimpl


@hookimpl
def register_views() -> list[View]:
    return [
        View("feature_maps", "Feature maps", _feature_maps, _has_maps, description="channels of a value as images"),
        View("filters", "Filters", _filters, _has_filters, description="weights of a convolution as images"),
        View("input_image", "Input image", _input_image, _has_pictures, description="images that the program read"),
    ]


def _has_maps(subject: Subject) -> bool:
    from graphviz_nn_vision.maps import has_maps

    return has_maps(subject)


def _feature_maps(subject: Subject, options: ViewOptions) -> ViewData:
    from graphviz_nn_vision.maps import feature_maps

    return feature_maps(subject, options)


def _has_filters(subject: Subject) -> bool:
    from graphviz_nn_vision.filters import has_filters

    return has_filters(subject)


def _filters(subject: Subject, options: ViewOptions) -> ViewData:
    from graphviz_nn_vision.filters import filters

    return filters(subject, options)


def _has_pictures(subject: Subject) -> bool:
    from graphviz_nn_vision.pictures import has_pictures

    return has_pictures(subject)


def _input_image(subject: Subject, options: ViewOptions) -> ViewData:
    from graphviz_nn_vision.pictures import input_image

    return input_image(subject, options)
