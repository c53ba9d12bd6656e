"""Files: audio, instruments, and writing so that a half-written file never stands in the way."""
