"""Publishers: one module per kind of output; they turn results into files and compute nothing."""
