"""One interface over Microsoft Graph and the Gmail API. Pure Python: no Django, no database."""
