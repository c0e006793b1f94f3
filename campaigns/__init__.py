"""Campaigns, deliveries, attempts: composing, sending, settling unknown outcomes, tracking."""
