"""The async client of one registry: OCI distribution-spec 1.1, and what real registries make of it.

async with RegistryClient(Address.parse("registry.example.com"), Credential("ci", "…")) as client:
    async for page in client.catalog():
        print(page.repositories)
"""

from typing import TYPE_CHECKING

from regtui.lazily import lazily

if TYPE_CHECKING:
    from regtui.registry.address import Address
    from regtui.registry.answers import deletion_obstacle
    from regtui.registry.client import RegistryClient
    from regtui.registry.errors import (
        BadAnswer,
        BlobNotFound,
        CertificateRejected,
        DeletionDisabled,
        DigestMismatch,
        ManifestNotFound,
        NotAllowed,
        NotARegistry,
        NotAuthenticated,
        NotFound,
        RateLimited,
        ReadOnly,
        Refused,
        RegistryError,
        RepositoryNotFound,
        ServerFailed,
        SpeaksHttp,
        SpeaksHttps,
        TokenRefused,
        Unreachable,
        Where,
    )
    from regtui.registry.exchanges import Exchange, RequestLog
    from regtui.registry.identity import RegistryId
    from regtui.registry.probing import check_push, deletion_support
    from regtui.registry.retry import RetryPolicy
    from regtui.registry.settings import HttpSettings
    from regtui.registry.tls import TlsSettings
    from regtui.registry.values import (
        CatalogPage,
        Credential,
        Deletion,
        FetchedManifest,
        Keychain,
        LookUp,
        Pong,
        Resolved,
    )

__all__ = [
    "Address",
    "BadAnswer",
    "BlobNotFound",
    "CatalogPage",
    "CertificateRejected",
    "Credential",
    "Deletion",
    "DeletionDisabled",
    "DigestMismatch",
    "Exchange",
    "FetchedManifest",
    "HttpSettings",
    "Keychain",
    "LookUp",
    "ManifestNotFound",
    "NotARegistry",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "Pong",
    "RateLimited",
    "ReadOnly",
    "Refused",
    "RegistryClient",
    "RegistryError",
    "RegistryId",
    "RepositoryNotFound",
    "RequestLog",
    "Resolved",
    "RetryPolicy",
    "ServerFailed",
    "SpeaksHttp",
    "SpeaksHttps",
    "TlsSettings",
    "TokenRefused",
    "Unreachable",
    "Where",
    "check_push",
    "deletion_obstacle",
    "deletion_support",
]

__getattr__ = lazily(
    __name__,
    address="Address",
    answers="deletion_obstacle",
    client="RegistryClient",
    errors=(
        "BadAnswer BlobNotFound CertificateRejected DeletionDisabled DigestMismatch ManifestNotFound "
        "NotARegistry NotAllowed NotAuthenticated NotFound RateLimited ReadOnly Refused RegistryError "
        "RepositoryNotFound ServerFailed SpeaksHttp SpeaksHttps TokenRefused Unreachable Where"
    ),
    exchanges="Exchange RequestLog",
    identity="RegistryId",
    probing="check_push deletion_support",
    retry="RetryPolicy",
    settings="HttpSettings",
    tls="TlsSettings",
    values="CatalogPage Credential Deletion FetchedManifest Keychain LookUp Pong Resolved",
)
