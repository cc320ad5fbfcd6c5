"""Turns a registry's answers into errors with a sentence and a remedy.

Answers come as JSON (distribution-spec, "Error codes"), plain text, HTML from proxies, `{}`, two JSON documents in
a row, or nothing: all seen on real registries. Nothing here trusts their form.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import httpx

from regtui.bounded_json import parse_first_json
from regtui.oci.digest import Digest
from regtui.registry import errors
from regtui.registry.errors import RegistryError, Where
from regtui.registry.locations import NO_ADDRESS
from regtui.registry.retry import asked_to_wait
from regtui.registry.token_clock import GivenToken, difference, parse_date
from regtui.registry.values import Deletion

_LOGIN: Final = "Run: regtui login {host}"
_ENABLE_DELETION: Final = (
    "Set storage.delete.enabled: true in its config.yml (or REGISTRY_STORAGE_DELETE_ENABLED=true) and restart it."
)
_ASK: Final = "Its documentation says whether and how deletion is enabled."
# How distribution refuses a deletion, letter by letter: other servers have the code alone.
_IN_DISTRIBUTION: Final = "The operation is unsupported."
_LEAVE_READ_ONLY: Final = "Set storage.maintenance.readonly.enabled: false in its config.yml and restart it."


def error_entries(response: httpx.Response) -> list[dict[str, object]]:
    """The `errors` of the answer's first JSON document; empty where there are none."""
    try:
        value = parse_first_json(response.content)
    except (ValueError, httpx.ResponseNotRead):
        return []
    if not isinstance(value, dict):
        return []
    entries = value.get("errors", [value] if "code" in value else [])
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _text(value: object) -> str:
    """Texts and numbers as they are, else nothing: what is nested can be deeper than it can be written again."""
    return str(value) if isinstance(value, str | int | float) else ""


def error_codes(response: httpx.Response) -> tuple[str, ...]:
    return tuple(_text(entry.get("code")) for entry in error_entries(response))


def error_for(
    response: httpx.Response, where: Where, *, anonymous: bool = False, login_is_good: bool = False
) -> RegistryError:
    """The error that a status of 400 or above, or an unexpected redirect, stands for. `anonymous`: what was sent
    along, if anything, was a token that anybody gets. `login_is_good`: its name and password can't be what is wrong."""
    entries = error_entries(response)
    codes = error_codes(response)
    status = response.status_code
    host = where.host

    def made(kind: type[RegistryError], message: str, remedy: str = "") -> RegistryError:
        return kind(where, message, remedy, status=status, codes=codes)

    if status == 401:
        return _unauthorized(response, where, codes, anonymous, login_is_good)
    if status == 403:
        what = f" ({where.target})" if where.target else ""
        return made(errors.NotAllowed, f"{host} does not allow {where.operation}{what} with this login.")
    if status == 404:
        return _not_found(where, codes, entries)
    if status == 405:
        return _refused(response, where, codes, entries)
    if status == 429 or "TOOMANYREQUESTS" in codes:
        return made(errors.RateLimited, f"{host} limits the number of requests.", when_again(asked_to_wait(response)))
    if status >= 500:
        failed = errors.ServerFailed(
            where, f"{host} failed {where.operation}: {_reason(response, entries)}.", status=status, codes=codes
        )
        failed.detail = entries[0].get("detail") if entries else None
        if failed.is_of_damage and where.reference and Digest.or_none(where.reference) is None:
            failed.remedy = "The tag may be damaged in the registry's storage: push its image again, or delete it."
        return failed
    if status in (301, 302, 303, 307, 308):
        what = f"{host} redirects {where.operation} elsewhere, which is not followed."
        return made(errors.BadAnswer, what, _secured(response))
    return made(RegistryError, f"{host} refuses {where.operation}: {_reason(response, entries)}.")


def refused_elsewhere(response: httpx.Response, where: Where) -> RegistryError:
    """The same where the registry sends us elsewhere: no login of ours went there, none is what is wrong."""
    url = response.request.url
    there = replace(where, host=url.netloc.decode("ascii").rpartition("@")[2])
    if response.status_code not in (401, 403):
        return error_for(response, there)
    message = f"{there.host}, where {where.host} redirects, refuses {where.operation}: {response.status_code}."
    return RegistryError(there, message, "That is between the registry and its storage.", status=response.status_code)


def _secured(response: httpx.Response) -> str:
    """What to do where plain HTTP is redirected to HTTPS: reading follows that, a change never does."""
    url = response.request.url
    try:
        target = url.join(response.headers.get("Location", ""))
        is_same_host = target.host == url.host
    except NO_ADDRESS:
        return ""
    if url.scheme != "http" or target.scheme != "https" or not is_same_host:
        return ""
    return f"Use the address that it redirects to: https://{target.netloc.decode('ascii')}"


def when_again(seconds: float | None) -> str:
    """What to do about too many requests. `seconds`: as it asked to be left alone; None where it doesn't say."""
    if seconds is None or seconds < 1:
        return "Wait a little, then try again."
    return f"Try again in {seconds / 60:.0f} minutes." if seconds >= 120 else f"Try again in {seconds:.0f} seconds."


def _unauthorized(
    response: httpx.Response, where: Where, codes: tuple[str, ...], anonymous: bool, login_is_good: bool
) -> RegistryError:
    sent = "Authorization" in response.request.headers and not anonymous
    host = where.host
    challenge = response.headers.get("WWW-Authenticate", "")
    # Some refuse without a word of what is missing.
    is_refused = "insufficient_scope" in challenge or (login_is_good and "invalid_token" not in challenge)
    if sent and is_refused:
        return not_allowed(where, codes, 401)
    if sent:
        return wrong_password(where, codes)
    return errors.NotAuthenticated(
        where, f"Not logged in to {host}.", _LOGIN.format(host=host), status=401, codes=codes
    )


def not_allowed(where: Where, codes: tuple[str, ...], status: int) -> errors.NotAllowed:
    what = f" ({where.repository})" if where.repository else ""
    return errors.NotAllowed(
        where, f"{where.host} does not allow {where.operation}{what} with this login.", status=status, codes=codes
    )


def wrong_password(
    where: Where, codes: tuple[str, ...] = (), what: str = "user name or password"
) -> errors.NotAuthenticated:
    return errors.NotAuthenticated(
        where,
        f"{where.host} rejects the {what}.",
        _LOGIN.format(host=where.host),
        status=401,
        codes=codes,
    )


def token_refused(where: Where, given: GivenToken, date: str) -> errors.TokenRefused:
    """`date`: the `Date` of the registry's answer."""
    message = f"{where.host} does not accept the tokens of its token service {given.service}"
    if ahead := given.ahead(parse_date(date) or datetime.now(UTC)):
        return errors.TokenRefused(
            where,
            f"{message}: the clock there is {difference(ahead)} the registry's.",
            "Set both by NTP. The user name and password are right, or none were needed.",
            status=401,
        )
    return errors.TokenRefused(
        where,
        f"{message}, though that gives them.",
        "Compare auth.token in the registry's config.yml (issuer, service, rootcertbundle) with the token service's.",
        status=401,
    )


def _not_found(where: Where, codes: tuple[str, ...], entries: list[dict[str, object]]) -> RegistryError:
    host, target = where.host, where.target
    if "NAME_UNKNOWN" in codes and where.repository:
        return errors.RepositoryNotFound(
            where, f"{host} has no repository {where.repository}.", status=404, codes=codes
        )
    if "BLOB_UNKNOWN" in codes and where.reference:
        return errors.BlobNotFound(where, f"{host} has no blob {target}.", status=404, codes=codes)
    if where.reference:
        for entry in entries:
            if "accept header" in _text(entry.get("message")):
                return errors.BadAnswer(
                    where,
                    f"{host} doesn't give {target} in any form that regtui knows.",
                    status=404,
                    codes=codes,
                )
        return errors.ManifestNotFound(
            where,
            f"{host} has no manifest {target}.",
            status=404,
            codes=codes,
            # Asked by digest, the detail only repeats it.
            missing_digest="" if Digest.or_none(where.reference) else _missing_digest(entries),
        )
    if where.repository:
        return errors.RepositoryNotFound(
            where, f"{host} has no repository {where.repository}.", status=404, codes=codes
        )
    return errors.NotFound(where, f"{host} does not offer {where.operation}.", status=404, codes=codes)


def _missing_digest(entries: list[dict[str, object]]) -> str:
    """The digest in a 404's detail: the tag exists, its manifest doesn't (2.x: an object, 3.x: a text)."""
    for entry in entries:
        detail = entry.get("detail")
        text = detail.get("Revision") if isinstance(detail, dict) else _text(detail).rpartition("revision=")[2]
        if digest := Digest.or_none(text):
            return digest
    return ""


def _refused(
    response: httpx.Response, where: Where, codes: tuple[str, ...], entries: list[dict[str, object]]
) -> RegistryError:
    host = where.host
    if "UNSUPPORTED" in codes and response.request.method == "DELETE":
        is_distribution = _IN_DISTRIBUTION.lower() in [_text(entry.get("message")).lower() for entry in entries]
        refused = errors.DeletionDisabled(
            where,
            f"{host} refuses deletion: it is disabled there." if is_distribution else f"{host} refuses deletion.",
            _ENABLE_DELETION if is_distribution else _ASK,
            status=405,
            codes=codes,
        )
        refused.by_setting = is_distribution
        return refused
    allowed = response.headers.get("Allow", "")
    if response.request.method not in ("GET", "HEAD") and allowed and "DELETE" not in allowed and "PUT" not in allowed:
        return errors.ReadOnly(
            where,
            f"{host} is read-only.",
            _LEAVE_READ_ONLY,
            status=405,
            codes=codes,
        )
    return errors.Refused(where, f"{host} does not support {where.operation}.", status=405, codes=codes)


def deletion_obstacle(host: str, support: Deletion, *, by_choice: bool = False) -> str:
    """Why nothing can be deleted at `host`, with the remedy; empty where it can. `by_choice`: --read-only."""
    if by_choice:
        return f"{host} was opened read-only (--read-only, or read_only in its profile): nothing is deleted."
    match support:
        case Deletion.DISABLED:
            return f"{host} refuses deletion: it is disabled there. {_ENABLE_DELETION}"
        case Deletion.UNSUPPORTED:
            return f"{host} refuses deletion. {_ASK}"
        case Deletion.CACHE:
            return f"{host} is a pull-through cache: nothing is deleted there. Delete at the registry that it caches."
        case Deletion.READ_ONLY:
            return f"{host} is read-only. {_LEAVE_READ_ONLY}"
        case Deletion.NOT_ALLOWED:
            return f"{host} does not allow deleting with this login."
        case _:
            return ""


def _reason(response: httpx.Response, entries: list[dict[str, object]]) -> str:
    """The registry's own words, or the status line where it has none. Server text: cleaned by whoever shows it."""
    words = []
    for entry in entries[:3]:
        text = _text(entry.get("message")) or _text(entry.get("code"))
        detail = entry.get("detail")
        words.append(f"{text} ({detail})" if isinstance(detail, str) and detail else text)
    said = "; ".join(word for word in words if word)
    return (said or f"{response.status_code} {response.reason_phrase}".strip())[:400].rstrip(".")


def speaks_https(response: httpx.Response) -> bool:
    """Whether a 400 says "this is a TLS port": Go's words, and nginx's."""
    return response.status_code == 400 and (
        "HTTP request to an HTTPS server" in response.text or "HTTP request was sent to HTTPS port" in response.text
    )


def wants_certificate(response: httpx.Response) -> bool:
    """Whether a 400 says "show a client certificate, one that I know": nginx's words."""
    return response.status_code == 400 and (
        "No required SSL certificate was sent" in response.text or "The SSL certificate error" in response.text
    )
