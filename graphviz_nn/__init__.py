"""Record, draw and debug the computation graph of a PyTorch program."""
