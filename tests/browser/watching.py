"""What a browser complains about, and what a page's controls are called."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

# Controls that a person can reach, with nothing that says what they are for.
NAMELESS = """() => {
  const text = (node) => (node?.textContent ?? "").trim();
  const named = (control) => Boolean(
    control.getAttribute("aria-label")?.trim()
    || (control.getAttribute("aria-labelledby") ?? "").split(" ").some((id) => id && text(document.getElementById(id)))
    || [...(control.labels ?? [])].some((label) => text(label))
    || control.title.trim()
    || (control.matches("button, [role=button]") && (text(control) || control.querySelector("[aria-label], svg title")))
    || (control.matches("[type=submit], [type=button], [type=reset]") && control.value?.trim())
  );
  return [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, [role=button]")]
    .filter((control) => control.checkVisibility({ visibilityProperty: true }))
    .filter((control) => !control.closest("[aria-hidden=true]"))
    .filter((control) => !named(control))
    .map((control) => control.outerHTML.slice(0, 200));
}"""
TOO_WIDE = """() => document.documentElement.scrollWidth > innerWidth
  ? [...document.querySelectorAll("body *")]
      .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
      .map((node) => node.outerHTML.slice(0, 120)).slice(0, 3)
  : []"""


@dataclass
class Watch:
    """Everything that went wrong in a context: errors of the console (CSP among them), of scripts, of requests."""

    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        self.context.on("requestfailed", self._miss)
        self.context.on("response", self._answer)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console: {message.text} {message.location.get('url', '')}")

    def _miss(self, request: Request) -> None:
        # A page that is left takes its open requests with it.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"request: {request.method} {request.url} {request.failure}")

    def _answer(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"response: {response.status} {response.url}")

    def take(self) -> list[str]:
        """What was heard since the last time."""
        heard, self.complaints = self.complaints, []
        return heard


def obstacles(page: Page, *, width: bool = False) -> list[str]:
    """What stands in the way on this page: controls without a name and, with `width`, what overflows."""
    found = [f"no name: {html}" for html in page.evaluate(NAMELESS)]
    return found + ([f"too wide: {html}" for html in page.evaluate(TOO_WIDE)] if width else [])
