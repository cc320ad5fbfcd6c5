"""URLs that a server names: redirects, uploads, token services."""

from typing import Final

import httpx

NO_ADDRESS: Final = (httpx.InvalidURL, UnicodeError)
"""What httpx raises of a URL that is none, or of its host when that is asked for: `xn--a` is no name in Unicode."""
