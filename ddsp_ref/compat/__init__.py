"""The names and shapes of other libraries, as thin faces over the ops."""
