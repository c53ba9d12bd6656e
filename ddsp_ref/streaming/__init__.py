"""Block by block: pitch and loudness of a sound that is still being played, and an instrument."""
