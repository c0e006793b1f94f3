"""The Gmail dialect, in parts: errors, finding, listing, batches."""
