"""A fake Azure OpenAI."""
