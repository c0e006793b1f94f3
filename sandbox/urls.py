"""Where each part of the sandbox answers, below one origin."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SandboxUrls:
    """The four base URLs a product is configured with, and the control API."""

    login: str  # MICROSOFT_LOGIN_URL
    graph: str  # MICROSOFT_GRAPH_URL
    google_token: str  # GOOGLE_TOKEN_URL
    gmail: str  # GMAIL_URL; clients append /gmail/v1/…, /batch/gmail/v1, /upload/gmail/v1/…
    control: str

    @classmethod
    def at(cls, origin: str) -> "SandboxUrls":
        origin = origin.rstrip("/")
        return cls(
            login=f"{origin}/login",
            graph=f"{origin}/graph/v1.0",
            google_token=f"{origin}/google/token",
            gmail=f"{origin}/gmail",
            control=f"{origin}/_sandbox",
        )

    def environment(self) -> dict[str, str]:
        """As the product's settings name them."""
        return {
            "MICROSOFT_LOGIN_URL": self.login,
            "MICROSOFT_GRAPH_URL": self.graph,
            "GOOGLE_TOKEN_URL": self.google_token,
            "GMAIL_URL": self.gmail,
        }
