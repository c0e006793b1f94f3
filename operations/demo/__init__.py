"""The demo: a running product with two customers beside the sandbox, and a report that is checked."""
