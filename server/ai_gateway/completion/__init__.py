"""Code that is proposed where somebody types: what is asked for, and what of the answer is usable."""
