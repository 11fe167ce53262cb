"""Why an answer came from where it came from, on one page."""
