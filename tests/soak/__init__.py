"""Many queries at once under faults and cancels, and nothing left over."""
