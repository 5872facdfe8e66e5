"""How a window is read to its end while its rows move: places, evidence, and one file per steering."""
