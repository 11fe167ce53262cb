"""Any JSON that an upstream might send, with names that its reader looks for."""

from __future__ import annotations

from hypothesis import strategies as st

Json = st.SearchStrategy[object]


def any_json(names: str, *, leaf: Json | None = None) -> Json:
    """JSON values whose objects have some of these names, and others; `leaf` is one more kind of value in them."""
    leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    name = st.sampled_from(names.split()) | st.text(max_size=5)
    return st.recursive(
        leaves if leaf is None else leaves | leaf,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(name, inner, max_size=4),
        max_leaves=10,
    )
