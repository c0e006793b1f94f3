"""The Microsoft Graph dialect, in parts: errors, sending, finding, listing, batches."""
