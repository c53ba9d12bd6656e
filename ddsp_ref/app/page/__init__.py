"""The browser page: everything that a transfer can do, on one local page."""
