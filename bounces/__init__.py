"""Bounce servers and the bounce log."""
