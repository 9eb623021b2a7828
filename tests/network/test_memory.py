"""The memory of a training step: counted by hand for small networks, and its laws for all variants."""

import pytest

from resnet_lab import graph as variant_graph
from resnet_lab.network.memory import layer_activations, training_memory
from resnet_lab.network.tensor import Builder
from resnet_lab.ops import conv, dense, global_avg_pool, max_pool, norm, relu


def network(*layers):
    builder = Builder()
    x = builder.input((3, 8, 8))
    for layer in layers:
        x = layer(x)
    return builder.finish(dense(global_avg_pool(x), 10))


def test_a_convolution_keeps_its_input_and_a_relu_writes_over_the_norm():
    graph = network(lambda x: conv(x, 4, 3), norm, relu)
    kept = layer_activations(graph, 2)
    image, map_, mean = 2 * 4 * 3 * 64, 2 * 4 * 4 * 64, 2 * 4 * 4
    assert [kept[node.name] for node in graph.nodes] == [image, map_, map_, 0, mean, 0]
    # the logits, 2 x 10 elements, are still in use when the forward pass ends
    assert training_memory(graph, 2).activations == image + 2 * map_ + mean + 2 * 4 * 10


def test_a_max_pool_keeps_its_input_and_the_places_of_the_maxima():
    kept = layer_activations(network(lambda x: conv(x, 4, 3), lambda x: max_pool(x, 2, 2)), 1)
    assert kept["conv1"] == 4 * 4 * 64
    assert kept["max_pool1"] == 2 * 4 * 4 * 16


def test_what_two_layers_keep_counts_once():
    def fork(x):
        y = relu(norm(x))
        return conv(y, 4, 1) + conv(y, 4, 1)

    kept = layer_activations(network(lambda x: conv(x, 4, 3), fork), 1)
    assert kept["norm1"] == 4 * 4 * 64
    assert kept["relu1"] == kept["conv2"] == kept["conv3"] == kept["add1"] == 0


def test_weights_and_what_the_optimizer_remembers_of_them():
    graph = variant_graph("cifar_resnet20")
    memory = training_memory(graph, 8, slots=2)
    assert memory.weights == 4 * sum(parameter.size for parameter in graph.parameters.values())
    assert memory.state == 2 * 4 * graph.params
    assert training_memory(graph, 8, slots=0).state == 0


@pytest.mark.parametrize("name", ["cifar_resnet20", "resnet50", "preact_resnet110", "se_resnext50_32x4d"])
def test_activations_grow_with_the_batch_and_the_peak_is_above_them(name):
    graph = variant_graph(name, (3, 32, 32))
    small, large = (training_memory(graph, batch) for batch in (1, 16))
    assert large.activations == 16 * small.activations
    assert training_memory(graph, 16, bytes_each=2).activations == large.activations / 2
    assert large.peak >= large.weights + large.state + large.activations
    every_output = 4 * 16 * sum(_size(node.output) for node in graph.nodes)
    assert large.activations < every_output
    assert sum(layer_activations(graph, 16).values()) == pytest.approx(large.activations, rel=0.01)


def test_the_gradients_of_all_weights_are_in_the_peak_of_a_network_with_many_weights():
    graph = network(lambda x: conv(x, 512, 3), lambda x: conv(x, 512, 3, 2), lambda x: conv(x, 512, 3, 2))
    memory = training_memory(graph, 1)
    assert memory.peak >= memory.weights + memory.state + 4 * (graph.params - 3 * 512 * 9 - 512)


def _size(shape):
    size = 1
    for extent in shape:
        size *= extent
    return size
