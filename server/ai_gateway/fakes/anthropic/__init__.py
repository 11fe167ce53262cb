"""A fake Anthropic."""
