"""API keys and tokens: sealing, choosing, refreshing."""
