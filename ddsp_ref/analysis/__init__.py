"""Analysis of recordings: frames, pitch and what follows from it; nothing here has a gradient."""
