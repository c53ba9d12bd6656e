"""Networks of the original, as lists of weights and ops with gradients by hand."""
