"""The async client of one registry: OCI distribution-spec 1.1, and what real registries make of it.

async with RegistryClient(Address.parse("registry.example.com"), Credential("ci", "…")) as client:
    async for page in client.catalog():
        print(page.repositories)
"""
