"""Models: parameters, decoders, the optimizer, training, checkpoints, trained instruments."""
