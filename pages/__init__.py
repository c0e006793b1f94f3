"""Generic pages, forms, tables and CSV files that both faces use; no rules of the product in here."""
