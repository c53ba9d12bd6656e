"""Physics that every op has to keep, whatever its formula."""
