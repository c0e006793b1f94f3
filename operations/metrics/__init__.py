"""What `/metrics` tells: counted in rows that all processes share, or read from the rows at the moment of asking."""
