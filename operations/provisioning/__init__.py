"""Provisioning: an installation's customers, keys, servers, lists and campaigns from one file."""
