"""Settings plus ops: synthesizers and effects with controls, a signal and a pullback."""
