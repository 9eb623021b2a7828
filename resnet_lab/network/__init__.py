"""A network as data: the graph, its nodes and tensors, the sliding window, initial weights."""
