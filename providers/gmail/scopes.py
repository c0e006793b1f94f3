"""The OAuth scopes of the Gmail API that we ask for.

https://developers.google.com/workspace/gmail/api/auth/scopes
"""

from __future__ import annotations

SEND = "https://www.googleapis.com/auth/gmail.send"
MODIFY = "https://www.googleapis.com/auth/gmail.modify"
READONLY = "https://www.googleapis.com/auth/gmail.readonly"
# The only one that deletes for good.
FULL = "https://mail.google.com/"

# Those a check asks for, each by itself. Readonly is tried only where neither of the last two is granted.
PROBED = (SEND, MODIFY, FULL)
