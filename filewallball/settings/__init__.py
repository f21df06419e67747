"""The settings: every environment variable once, validated before the start."""
