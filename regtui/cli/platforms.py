"""A platform in JSON records."""

from regtui.oci.platform import Platform


def platform_fields(platform: Platform | None) -> dict[str, object]:
    """`platform`, and beside it the system's version and features where it names them (docs/interface.md)."""
    fields: dict[str, object] = {"platform": str(platform) if platform else None}
    if platform and platform.os_version:
        fields["os_version"] = platform.os_version
    if platform and platform.os_features:
        fields["os_features"] = list(platform.os_features)
    return fields
