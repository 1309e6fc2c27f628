"""How plugins hook in.

A plugin is a module (or any object) whose functions carry `hookimpl` and the names in `graphviz_nn.plugin.hookspecs`.
It is found through the entry-point group `graphviz_nn` of an installed distribution.
"""

from graphviz_nn.plugin.hookspecs import hookimpl, hookspec

__all__ = ["hookimpl", "hookspec"]
