"""What a model is asked about a piece of code, and what of its answer may come into the file."""
