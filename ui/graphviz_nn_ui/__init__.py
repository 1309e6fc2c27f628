"""The desktop app: a PyQt6 window over a recorded run. It is a plugin of `graphviz_nn` like any other."""
