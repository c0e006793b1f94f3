"""Generic pages and tables that both faces use; no rules."""
