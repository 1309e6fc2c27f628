"""Small programs to look at. Plain PyTorch: they know nothing of graphviz_nn, and need no download."""
