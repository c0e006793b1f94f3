"""The cycle and its phases, provisioning, dashboards, health, purge, demo."""
