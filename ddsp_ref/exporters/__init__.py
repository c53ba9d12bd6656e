"""Writers of instruments in forms that other programs can embed."""
