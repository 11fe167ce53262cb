"""A fake Gemini."""
