"""Monitors, their conditions and actions."""
