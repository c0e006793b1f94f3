"""The control API, by which other processes set up a sandbox and look into it, and its client."""

from sandbox.control.client import SandboxControl

__all__ = ["SandboxControl"]
