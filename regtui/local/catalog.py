"""The two lists: repositories of the registry, and tags of a repository.

Left out: the repositories that the real servers lose at a page boundary where names nest. What they list here
is complete.
"""

import re
from urllib.parse import urlencode
from zlib import crc32

import httpx

from regtui.local.answers import Refusal, in_json
from regtui.local.dialect import Dialect
from regtui.local.service import Service
from regtui.local.stored import Repository

_DEFAULT_PAGE = 100
_LARGEST_TAG_PAGE = 1000
_NUMBER = re.compile(r"[+-]?\d+")


def get_catalog(service: Service, request: httpx.Request) -> httpx.Response:
    dialect = service.dialect
    size = _catalog_page_size(request.url.params.get("n", ""), dialect)
    last = _in_walk_order(request.url.params.get("last", ""))
    known = service.storage.repositories.values()
    names = sorted((each.name for each in known if _is_listed(each, dialect)), key=_in_walk_order)
    page = [name for name in names if _in_walk_order(name) > last][:size]
    # The walk goes on if any directory follows, also one that will not be listed.
    more = (
        bool(page) and len(page) == size and any(_in_walk_order(page[-1]) < _in_walk_order(each.name) for each in known)
    )
    link = _next(request, page, size) if more else {}
    return in_json({"repositories": page}, dialect, headers=link)


def get_tags(service: Service, request: httpx.Request, name: str) -> httpx.Response:
    dialect = service.dialect
    if dialect.explains is False and name != name.lower():
        return in_json({}, dialect, status=500)  # 2.x fails on capitals before it looks
    size = _tag_page_size(request.url.params.get("n", "")) if dialect.pages_tags else None
    if size == 0:
        return in_json({"name": name, "tags": []}, dialect)
    repository = service.storage.repositories.get(name)
    if repository is None or not repository.was_tagged:
        raise Refusal("NAME_UNKNOWN", {"name": name})
    if not dialect.pages_tags:
        # No paging, and the file system's order: none that a reader would expect, but always the same.
        tags = sorted(repository.tags, key=lambda tag: crc32(tag.encode()))
        return in_json({"name": name, "tags": tags or None}, dialect)
    last = request.url.params.get("last", "")
    page = sorted(tag for tag in repository.tags if tag > last)[:size]
    # Unlike the catalog's, a full page has a Link even if nothing follows.
    link = _next(request, page, size) if size is not None and len(page) == size else {}
    return in_json({"name": name, "tags": page or None}, dialect, headers=link)


def _catalog_page_size(text: str, dialect: Dialect) -> int:
    number = int(text) if _NUMBER.fullmatch(text) else None
    if number is None or number < 0:
        if text and dialect.strict_numbers:
            raise Refusal("PAGINATION_NUMBER_INVALID", {"n": text})
        return _DEFAULT_PAGE
    largest = dialect.largest_catalog_page
    if largest is None:
        if number == 0:
            raise Refusal("UNKNOWN", {})
    elif number > largest:
        raise Refusal("PAGINATION_NUMBER_INVALID", {"n": number})
    return number


def _tag_page_size(text: str) -> int | None:
    if not text:
        return None
    number = int(text) if _NUMBER.fullmatch(text) else None
    if number is None or number < 0:
        raise Refusal("PAGINATION_NUMBER_INVALID", {"n": number or 0})
    return min(number, _LARGEST_TAG_PAGE)


def _next(request: httpx.Request, page: list[str], size: int) -> dict[str, str]:
    query = urlencode({"last": page[-1], "n": size})
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}


def _is_listed(repository: Repository, dialect: Dialect) -> bool:
    return repository.has_layers if dialect.listed_by_layers else repository.has_manifests


def _in_walk_order(name: str) -> str:
    """The catalog walks directories, so the separator sorts before every other character."""
    return name.replace("/", "\0")
