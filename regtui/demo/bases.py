"""The base images that the sample's images share, line by line as their builders wrote them."""

from datetime import timedelta

from regtui.demo.images import DemoStep

MB = 1_000_000
_NOP = "/bin/sh -c #(nop) "


def run(command: str, size: int, mark: str = "") -> DemoStep:
    """A RUN as buildkit writes it."""
    return DemoStep(f"RUN /bin/sh -c {command} # buildkit", size, mark)


def copy(what: str, size: int, mark: str = "") -> DemoStep:
    return DemoStep(f"COPY {what} # buildkit", size, mark)


def meta(instruction: str) -> DemoStep:
    """An instruction that changes no file, as buildkit writes it."""
    return DemoStep(instruction)


def nop(instruction: str, size: int = 0, mark: str = "") -> DemoStep:
    """An instruction as the classic builder wrote it."""
    return DemoStep(f"{_NOP} {instruction}", size, mark, comment="")


def sh(command: str, size: int, mark: str = "") -> DemoStep:
    """A RUN as the classic builder wrote it."""
    return DemoStep(f"/bin/sh -c {command}", size, mark, comment="")


def _older(days: int, *steps: DemoStep) -> tuple[DemoStep, ...]:
    return tuple(DemoStep(step.command, step.size, step.mark, timedelta(days=days), step.comment) for step in steps)


ALPINE = _older(
    24,
    DemoStep("ADD alpine-minirootfs-3.20.3-x86_64.tar.gz / # buildkit", 3_623_807),
    DemoStep('CMD ["/bin/sh"]'),
)

DEBIAN = _older(
    12,
    DemoStep("# debian.sh --arch 'amd64' out/ 'bookworm' '@1731369600'", 28_231_412, comment="debuerreotype 0.15"),
)

OLD_DEBIAN = _older(
    9,
    nop("ADD file:4fc310c0cb879c876c5c0f571af765a0d24d36cb253e0f53a0cda2f7e4b1844c in / ", 30_438_906),
    nop('CMD ["bash"]'),
)

NODE = (
    *ALPINE,
    *_older(
        10,
        meta("ENV NODE_VERSION=20.18.0"),
        run(
            "addgroup -g 1000 node     && adduser -u 1000 -G node -s /bin/sh -D node     && apk add "
            "--no-cache         libstdc++     && apk add --no-cache --virtual .build-deps curl     "
            '&& ARCH="x64" && curl -fsSLO --compressed "https://unofficial-builds.nodejs.org/download/'
            'release/v$NODE_VERSION/node-v$NODE_VERSION-linux-$ARCH-musl.tar.xz"',
            42_119_558,
        ),
        meta("ENV YARN_VERSION=1.22.22"),
        run("apk add --no-cache --virtual .build-deps-yarn curl gnupg tar", 1_389_717),
        copy("docker-entrypoint.sh /usr/local/bin/", 446),
        meta('ENTRYPOINT ["docker-entrypoint.sh"]'),
        meta('CMD ["node"]'),
    ),
)

GO = (
    *DEBIAN,
    *_older(
        7,
        run("apt-get update && apt-get install -y --no-install-recommends g++ gcc make", 92_366_004),
        meta("ENV GOLANG_VERSION=1.23.3"),
        copy("/target/ /", 73_620_115),
        meta("ENV GOPATH=/go"),
        meta("WORKDIR /go"),
    ),
)
