"""A fake OpenAI, and the wire that compatible upstreams speak as well."""
