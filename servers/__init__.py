"""What every server is; delivery servers, quotas, selection."""
