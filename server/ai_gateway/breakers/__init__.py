"""Circuit breakers: what one remembers, how it behaves, how those of several processes agree."""
