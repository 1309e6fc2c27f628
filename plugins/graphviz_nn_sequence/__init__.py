"""Views of sequence models: gates and states of recurrent layers over time, attention weights.

A plugin of `graphviz_nn` like any other.
"""
