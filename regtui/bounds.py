"""What registries, hosts and helpers can cost us: the one table of bounds.

docs/limits.md says the same in words, with the sentence that users read where a limit is met; tests/unit/test_bounds.py
holds both together. What is more than a bound is refused or cut at the place where it comes in.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# Bytes, decoded, of one answer's body. A list of 500,000 tags has 12 MB; distribution takes manifests of up to 4 MiB.
LIST: Final = 24 * MIB
MANIFEST: Final = 8 * MIB
CONFIG: Final = 8 * MIB
SBOM: Final = 24 * MIB
TOKEN: Final = MIB
# Of an answer that refuses something the rest isn't read.
ERROR: Final = 256 * KIB
# What a registry says around bodies: the head of an answer, and what stands around its chunks.
HEAD: Final = 256 * KIB
# Bodies that are larger than this are read two at a time, however many requests are under way.
LARGE: Final = MIB
LARGE_AT_ONCE: Final = 2
# Manifests that are held for one plan, and so many bytes more for each of them (`all_manifests`).
MANIFESTS: Final = 48 * MIB
MANIFESTS_EACH: Final = 16 * KIB
# The same of the values in them, each of which takes some ten times its bytes.
PLAN_VALUES: Final = 1_000_000
PLAN_VALUES_EACH: Final = 500
# All pages of one listing.
LISTING: Final = 64 * MIB

# Manifests and configs below one tag, of which the list and the details hold one or more (also bounded: VALUES).
IMAGES_BYTES: Final = 24 * MIB

# What was read and waits until the disk has taken it; what comes meanwhile isn't kept there.
UNWRITTEN: Final = 24 * MIB

# Items: values in a JSON document, names in a listing, manifests that refer to one, images below one reference.
VALUES: Final = 400_000
# In a bill of materials, which may name each file of an image.
SBOM_VALUES: Final = 1_500_000
# Layers of one image, or entries of one index: a dozen such manifests are read at a time.
DESCRIPTORS: Final = 5_000
# Different blobs of one repository that its list of tags holds, for what deleting some of them frees; ten times as
# many uses of them.
BLOBS: Final = 200_000
# Lines that one part of an image's details is laid out in: each is made before the first is seen.
SHOWN_LINES: Final = 10_000
# Names in one list: repositories, or tags of one repository. What the app holds of so many fits 300 MB.
NAMES: Final = 300_000
REFERRERS: Final = 10_000
# What refers to all that goes by one plan, and to that: so many, and some more for each manifest that goes; and how
# many one after the other. A signature of an SBOM of an image is the second.
PLAN_REFERRERS: Final = 10_000
PLAN_REFERRERS_EACH: Final = 8
REFERRERS_DEPTH: Final = 16
IMAGES: Final = 1_000
# Manifests one after the other that aren't what their digest says: no further one is asked for.
MISMATCHES: Final = 32
# Requests about one repository, one after the other, that fail as if for all, though the registry answers.
FAILURES: Final = 32
# Requests about one repository that time out, though the registry answers: no further one is made.
SILENCES: Final = 32
# Changes of one repository, one after the other, that time out: no further one is made.
SILENT_CHANGES: Final = 3
# Places of one source that use images of the registry; files of one pattern.
USES: Final = 200_000
FILES: Final = 50_000

# Names that pulls are remembered of, in one registry, and bytes of lines that one reading of a log brings.
PULLED_NAMES: Final = 500_000
LOG: Final = 2048 * MIB

# Characters: of a digest (sha512 has 135), of a Link and of a challenge's parameter. Names: regtui.oci.reference.
DIGEST: Final = 256
LINK: Final = 8 * KIB
PARAMETER: Final = 8 * KIB

# Cookies that are kept of one registry, and characters of all of them together, which go with each request.
COOKIES: Final = 20
COOKIES_SIZE: Final = 4 * KIB
# Characters of a token, and tokens that are kept: one for each repository that was asked for.
TOKEN_LENGTH: Final = 32 * KIB
TOKENS: Final = 1_000

# A size in bytes that is larger is none: the largest that registries' own software can count.
SIZE: Final = 2**63 - 1

# Requests: pages without anything new, and of one listing in all: so many, and one more for each ten names.
IDLE_PAGES: Final = 10
LISTING_REQUESTS: Final = 1_000
REDIRECTS: Final = 10
# Repositories in which a lost blob is looked for.
REPAIR_REPOSITORIES: Final = 1_000

# What says what is in use: bytes of one file, and seconds of one source (also bounded: HOST_OUTPUT).
USE_FILE: Final = 8 * MIB
SOURCE_SECONDS: Final = 300.0

# Seconds: connecting, silence and head of an answer where the user doesn't say (--timeout), deletion.
CONNECT: Final = 8.0
TIMEOUT: Final = 30.0
# That requests about repositories hang, those side by side counted once, in one run over all of them.
ALL_SILENCES: Final = 3_600.0
# Where something fails as if for all: in which the registry itself has to answer.
PING: Final = 8.0
DELETE: Final = 600.0
# Without any answer, to whatever was asked, while a collection waits for the registry.
REGISTRY_SILENCE: Final = 60.0
# The same where what its host says is all that is wanted.
STATUS_SILENCE: Final = 5.0
# Bytes a second below which the whole of an answer, `--timeout` deducted, is too slow.
SLOWEST: Final = KIB
# That one listing is waited for in all: so many, and one more for each ten names.
LISTING_SECONDS: Final = 600.0
# That one request is told to wait (Retry-After) in all, and the longest that is believed.
PATIENCE: Final = 120.0
LONGEST_WAIT: Final = 24 * 3600.0

# The config file, Docker's and Podman's, and certificates: a file that is larger is none of these.
GIVEN_FILE: Final = 4 * MIB
# Of the journal: one run's file, and what is to go, its first record, which leaves room for what came of it.
JOURNAL: Final = 512 * MIB
JOURNAL_RECORD: Final = 256 * MIB
# Credential helpers, ssh, and what runs on a registry's host: bytes and seconds.
HELPER_OUTPUT: Final = MIB
HOST_OUTPUT: Final = 64 * MIB
HOST_LINE: Final = 16 * MIB
# Bytes of the ids of its containers, which its shell holds: thirty thousand have so many.
HOST_IDS: Final = 2 * MIB
# Values in what describes all its containers: two thousand have so many.
HOST_VALUES: Final = 1_000_000
# Bytes of what a program says of its version, or of one value; what the storage lists (repositories, tags, manifests,
# uploads), and the blobs and manifests that a collector would take.
HOST_VERSION: Final = 4 * KIB
HOST_ITEMS: Final = 500_000
HOST_ELIGIBLE: Final = 300_000
# That redis has to say what it is, a third of it, and to clear its keys: the registry is down meanwhile.
REDIS: Final = 45.0
HOST_SECONDS: Final = 1_800.0
# That a collector prints nothing and changes nothing; four times as long as its dry run took, where that is more.
COLLECTOR_IDLE: Final = 1_800.0
HOST_ANSWER_SECONDS: Final = 120.0
HOST_LOGIN_SECONDS: Final = 60.0
SSH_LINE: Final = 4 * KIB
SSH_LINES_SHOWN: Final = 200


def whole_answer(timeout: float | None, size: int) -> float | None:
    """Seconds in which an answer's first `size` bytes have to be there; None without a `timeout` (seconds)."""
    return None if timeout is None else timeout + size / SLOWEST


def all_manifests(count: int) -> int:
    """How many bytes `count` manifests may have that are held at a time: what honest ones are, and some large ones."""
    return MANIFESTS + count * MANIFESTS_EACH


def plan_values(count: int) -> int:
    """How many values `count` manifests may have that are held at a time."""
    return PLAN_VALUES + count * PLAN_VALUES_EACH


def plan_referrers(going: int) -> int:
    """How many referrers a plan may have by which so many manifests go."""
    return PLAN_REFERRERS + going * PLAN_REFERRERS_EACH


def listing_requests(names: int) -> int:
    """How many requests a listing may take that has brought so many `names`. Pages of ten, and all that are smaller of
    a thousand, are taken."""
    return LISTING_REQUESTS + names // 10


def listing_seconds(names: int) -> float:
    """How many seconds a listing may be waited for that has brought so many `names`."""
    return LISTING_SECONDS + names / 10
