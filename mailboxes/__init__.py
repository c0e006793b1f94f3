"""One mailbox: leases, cursor, ledger, throttle, sync state and history."""
