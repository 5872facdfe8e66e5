"""Where a request goes: below the source's base URL, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

import httpx

from poller.core.errors import Category, FetchError, SettingsError

PORTS = {"http": 80, "https": 443}

LONGEST_SHOWN = 200
"""Characters of a path that a message quotes."""


class Base:
    """A source's base URL: the one origin (scheme, host, port: RFC 6454 §4) that ever hears from us.

    Raises SettingsError for a URL that is none, is not http or https, or carries a user,
    query or fragment.
    """

    def __init__(self, base_url: str) -> None:
        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL as error:
            raise SettingsError(f"base_url is no URL: {error}", hint="write https://host/path") from None
        if url.scheme not in PORTS or url.host == "":
            raise SettingsError(f"base_url must be an http or https URL, not {shown(url)}")
        if url.userinfo:
            raise SettingsError(
                f"base_url carries a user or password: {shown(url)}", hint="put credentials under auth"
            )
        if url.query or url.fragment:
            raise SettingsError(
                f"base_url carries a query or fragment: {shown(url)}", hint="put parameters under params"
            )
        self.url = url.copy_with(raw_path=url.raw_path.rstrip(b"/") or b"/")

    def url_of(
        self, target: str, params: Sequence[tuple[str, str]] = (), found_under: str | None = None
    ) -> httpx.URL:
        """The URL of a request.

        A path is joined below the base URL's path. A link (``found_under`` names the path whose
        answer gave it) is resolved as RFC 3986 §5.2 says; one with a host must have the source's
        origin and no user. ``params`` follow whatever query the target has. Raises FetchError
        (origin) before anything is sent.
        """
        url = self._resolve(target, found_under)
        if url.userinfo:
            raise FetchError(Category.ORIGIN, f"the URL {shown(url)} carries a user; nothing was sent")
        if not self.owns(url):
            raise FetchError(
                Category.ORIGIN,
                f"the next page lies on {origin(url)}, not on {origin(self.url)}; nothing was sent there",
                hint="if the API really moved, change base_url",
            )
        added = urlencode(params, quote_via=quote, safe="")
        query = "&".join(part for part in (url.query.decode("ascii"), added) if part)
        try:
            return url.copy_with(query=query.encode("ascii") or None, fragment=None)
        except httpx.InvalidURL as error:
            raise _unreadable(error) from None

    def owns(self, url: httpx.URL) -> bool:
        """Whether ``url`` has the source's origin."""
        return origin(url) == origin(self.url)

    def redirected(self, url: httpx.URL, location: str) -> httpx.URL | None:
        """Where a ``Location`` points, seen from ``url``; None when it cannot be read."""
        try:
            return url.join(location)
        except httpx.InvalidURL:
            return None

    def _resolve(self, target: str, found_under: str | None) -> httpx.URL:
        try:
            given = httpx.URL(target)
            if given.scheme:
                return given
            if found_under is not None:
                return httpx.URL(self._prefix + _rooted(found_under)).join(target)
            return httpx.URL(self._prefix + _rooted(target))
        except httpx.InvalidURL as error:
            raise _unreadable(error) from None

    @property
    def _path(self) -> str:
        """The base URL's path without a slash at its end; empty for the root."""
        return self.url.raw_path.decode("ascii").rstrip("/")

    @property
    def _prefix(self) -> str:
        return f"{self.url.scheme}://{self.url.netloc.decode('ascii')}{self._path}"


def _unreadable(error: httpx.InvalidURL) -> FetchError:
    return FetchError(Category.ORIGIN, f"the URL of the request cannot be read: {error}")


def _rooted(path: str) -> str:
    return path if path == "" or path.startswith(("/", "?")) else f"/{path}"


def origin(url: httpx.URL) -> str:
    """``scheme://host:port``, lower case, the port always named."""
    return f"{url.scheme}://{url.raw_host.decode('ascii')}:{url.port or PORTS.get(url.scheme, 0)}"


def shown(url: httpx.URL) -> str:
    """The URL as far as its path, and no further than is readable: no user, no query."""
    path = url.path if len(url.path) <= LONGEST_SHOWN else f"{url.path[:LONGEST_SHOWN]}…"
    return f"{origin(url)}{path}"
