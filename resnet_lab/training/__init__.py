"""One trial: the loop over epochs, evaluation, throughput, provenance; and prediction."""
