"""The face of magenta/ddsp against its recorded calls, and what of it there is."""
