"""The processes of the service: how they start, what they do in the background, how they end."""
