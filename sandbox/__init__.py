"""The emulator of both providers: token endpoints, Microsoft Graph mail, Gmail, and the mail between them."""
