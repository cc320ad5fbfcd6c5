"""The words that names of tags are made of, in lower case, and what each says.

Taken from what public repositories really use. A word that stands nowhere here says nothing: what is made of it is
neither a version nor a prerelease by it, and so no rule takes it for one.
"""

from collections.abc import Mapping
from typing import Final

STAGES: Final[Mapping[str, int]] = {
    word: stage
    for stage, words in enumerate(
        (
            ("dev", "develop", "experimental", "unstable"),
            ("snapshot", "nightly", "canary", "next", "insider", "insiders", "eap"),
            ("alpha", "a"),
            ("beta", "b"),
            ("milestone", "m"),
            ("preview", "pre", "prerelease", "ea"),
            ("rc", "cr"),
        )
    )
    for word in words
}
"""What makes a version a prerelease, in the order of a release's life. `a`, `b` and `m` do so only before a number."""

LETTER_STAGES: Final = frozenset(("a", "b", "m"))

REVISIONS: Final = frozenset(
    ("r", "rev", "revision", "build", "b", "p", "pl", "patch", "post", "u", "update", "sp", "ls", "hotfix", "fix")
)
"""Before a number, behind a version: the same version built again (`1.2.3-r4`, `1.0.0_build5`, `8u432-b06`)."""

RELEASED: Final = frozenset(("final", "ga", "release"))
"""Behind a version: that it is one (`3.15.1.Final`)."""

VERSION_WORDS: Final = ("version", "ver", "v", "release", "rel", "r")
"""Before a version, with or without a separator: that it is one."""

BASES: Final = frozenset(
    (
        *("alpine", "slim", "debian", "ubuntu", "bookworm", "bullseye", "buster", "stretch", "jessie", "trixie", "sid"),
        *("noble", "jammy", "focal", "bionic", "xenial", "trusty", "oracular", "plucky", "centos", "fedora", "rocky"),
        *("rockylinux", "almalinux", "oraclelinux", "oracle", "amazonlinux", "al", "ubi", "ubi8", "ubi9", "busybox"),
        *("distroless", "wolfi", "scratch", "photon", "leap", "tumbleweed", "bci", "windowsservercore", "nanoserver"),
        *("ltsc", "servercore", "musl", "glibc", "uclibc"),
    )
)
"""What an image is built on. Alone, such a name is moved on with each release (`alpine`, `slim-bookworm`)."""

FLAVOURS: Final = frozenset(
    (
        *("jre", "jdk", "fpm", "apache", "cli", "zts", "php", "perl", "otel", "management", "rootless", "nonroot"),
        *("root", "full", "minimal", "lite", "light", "tiny", "fat", "debug", "cuda", "cudnn", "rocm", "cpu", "gpu"),
        *("runtime", "devel", "base", "buildpack", "onbuild", "standalone", "ee", "ce", "ent", "enterprise"),
        *("community", "oss", "fips", "headless", "noroot", "unprivileged", "chart", "static", "shared"),
        *("hotspot", "openj9", "graalvm", "temurin", "openjdk", "node", "python", "ruby", "go", "postgres", "mysql"),
        *("k", "rke", "lts", "security", "windows", "linux", "darwin"),
        *("amd", "arm", "armv", "armhf", "armel", "aarch", "i", "ppc", "ppc64le", "s", "s390x", "riscv", "mips"),
        *("amd64", "arm64", "arm64v8", "arm32v7", "x86", "le", "v", "m", "bit"),
    )
)
"""Which of a version's images it is; says nothing alone. Numbers behind are left out: `arm64`, `jdk17`, `php8.3`."""

VARIANTS: Final = BASES | FLAVOURS

MOVING: Final = frozenset(
    (
        *("latest", "stable", "edge", "main", "mainline", "master", "trunk", "head", "tip", "current", "next", "lts"),
        *("rolling", "dev", "develop", "development", "devel", "nightly", "daily", "weekly", "canary", "snapshot"),
        *("testing", "test", "unstable", "experimental", "alpha", "beta", "rc", "preview", "insiders", "innovation"),
        *("prod", "production", "staging", "stage", "qa", "uat", "oldstable", "oldoldstable", "default"),
    )
)
"""Names that the next push, release or promotion takes with it."""

# Before a version, these are where it was sent, not a part of its name.
PLACES: Final = frozenset(("prod", "production", "staging", "stage", "stable", "lts"))

BRANCHES: Final = frozenset(
    (
        *("feature", "feat", "fix", "bugfix", "hotfix", "chore", "refactor", "topic", "branch", "renovate"),
        *("dependabot", "user", "wip", "poc", "env", "review", "backport", "revert", "docs"),
    )
)
"""What follows one of these was named by a person, or by what made the branch: no version, whatever is in it."""

NUMBERED: Final = frozenset(
    (
        *("build", "b", "ci", "run", "job", "pipeline", "pr", "pull", "mr", "merge", "issue", "rev", "r", "no", "num"),
        *("buildnumber", "bld", "release", "rel"),
    )
)
"""Before a number: that it is counted up by a machine."""

COMMITS: Final = frozenset(("sha", "git", "commit", "rev", "hash", "g"))
"""Before hexadecimal digits: that they are a commit."""
