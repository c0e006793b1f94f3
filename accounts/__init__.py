"""Users, customers, customer groups, limits, settings, the tenant scope, the audit log."""
