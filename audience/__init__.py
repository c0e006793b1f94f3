"""Mailing lists, subscribers, blacklist, campaign groups and the journal of their changes."""
