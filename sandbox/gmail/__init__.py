"""The Gmail API v1."""
