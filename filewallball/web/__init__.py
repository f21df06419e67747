"""The edge: who asks, which operation a route is, how errors look."""
