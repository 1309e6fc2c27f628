"""The recorded program as a networkx graph: building, checking, folding, counting, running again."""
