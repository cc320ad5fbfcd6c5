"""The registry that `regtui demo` opens: what a team's registry looks like after some years.

Everything worth seeing occurs in it: many tags of few images, platforms with attestations, signatures, charts,
what is broken, what is garbage, and one repository that tries to attack the terminal.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from regtui.demo.bases import ALPINE, DEBIAN, GO, MB, NODE, OLD_DEBIAN, copy, meta, nop, run, sh
from regtui.demo.images import DemoStep, Descriptor, Image, Publisher
from regtui.local.memory import MemoryStorage
from regtui.local.stored import digest_of

_PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def sample_storage(now: datetime) -> MemoryStorage:
    """The sample's storage: always the same for the same `now`, which has to know its time zone."""
    sample = _Sample(now)
    for fill in (
        sample.charts,
        sample.data_etl,
        sample.fullstack_builder,
        sample.fullstack_common,
        sample.fullstack_gateway,
        sample.legacy_billing,
        sample.legacy_reports,
        sample.mirror_nginx,
        sample.mirror_redis,
        sample.platform_auth,
        sample.platform_ingress,
        sample.platform_ingress_controller,
        sample.sandbox_empty,
        sample.sandbox_hostile,
        sample.tools_cli,
    ):
        fill()
    return sample.storage


class _Sample:
    """A method for each repository."""

    def __init__(self, now: datetime) -> None:
        self.storage = MemoryStorage()
        self._now = now

    def _ago(self, days: float = 0, hours: float = 0) -> datetime:
        return self._now - timedelta(days=days, hours=hours)

    def _to(self, repository: str) -> Publisher:
        return Publisher(self.storage, repository)

    def fullstack_common(self) -> None:
        """40 versions on one platform; some versions are the same image."""
        to = self._to("fullstack/common")
        digest = ""
        for patch in range(4, 44):
            if patch in (17, 31):  # released again without a change
                self.storage.set_tag("fullstack/common", f"0.0.{patch}", digest)
                continue
            version = f"0.0.{patch}"
            size = 76 * MB + (patch - 4) * 104_729 + patch % 5 * 2_003
            digest = to.image(
                Image(
                    steps=(
                        *NODE,
                        meta("WORKDIR /srv/app"),
                        copy("package.json package-lock.json ./", 184_220, str(patch // 6)),
                        run("npm ci --omit=dev && npm cache clean --force", size, str(patch // 3)),
                        copy("--from=build /src/dist ./dist", 1_204_551 + patch * 3_119, version),
                        meta("USER node"),
                        meta("EXPOSE map[3000/tcp:{}]"),
                        meta('CMD ["node" "dist/main.js"]'),
                    ),
                    created=self._ago(days=2 + (43 - patch) * 11.3, hours=patch % 7),
                    docker=True,
                    settings=_settings("fullstack/common", version, ["node", "dist/main.js"], "NODE_ENV=production"),
                ),
                version,
            )["digest"]
            if patch == 41:
                self.storage.set_tag("fullstack/common", "stable", digest)
        self.storage.set_tag("fullstack/common", "latest", digest)

    def fullstack_gateway(self) -> None:
        """Indexes with attestations; 1.4.1 was rebuilt for one platform only and shares the other two."""
        to = self._to("fullstack/gateway")
        ages = {"1.2.0": 210, "1.3.0": 120, "1.4.0-rc.1": 65, "1.4.0-rc.2": 58, "1.4.0": 51, "1.4.1": 9}
        children: dict[str, Descriptor] = {}
        for version, days in ages.items():
            for platform in _PLATFORMS[:1] if version == "1.4.1" else _PLATFORMS:
                binary = 17_440_112 + len(platform) * 81_003 + int(days) * 901
                children[platform] = to.image(
                    Image(
                        steps=(
                            *ALPINE,
                            run("apk add --no-cache ca-certificates tzdata", 1_720_334),
                            copy("--from=build /out/gateway /usr/local/bin/gateway", binary, version),
                            meta("EXPOSE map[8080/tcp:{} 9090/tcp:{}]"),
                            meta('ENTRYPOINT ["gateway"]'),
                        ),
                        created=self._ago(days),
                        platform=platform,
                        settings=_settings("fullstack/gateway", version, ["gateway"]),
                    )
                )
            tags = (version, "1.4", "latest") if version == "1.4.1" else (version,)
            to.index([*children.values(), *map(to.attestation, children.values())], *tags)

    def fullstack_builder(self) -> None:
        """Large images by week, and a `latest` that was pushed again and again: its old images are untagged."""
        to = self._to("fullstack/builder")
        for week in range(12, 0, -1):
            made = self._ago(days=week * 7 - 6, hours=3)
            image = Image(
                steps=(
                    *GO,
                    run("apt-get update && apt-get install -y git jq docker-cli", 211_004_772, "1"),
                    run("curl -fsSL https://deb.nodesource.com/setup_20.x | bash -", 388_145_210, "1"),
                    run("go install ./tools/...", 640 * MB + week * 1_300_021, f"week {week}"),
                    meta("SHELL [/bin/bash -o pipefail -c]"),
                ),
                created=made,
                docker=True,
                settings=_settings("fullstack/builder", f"{made:%Y.%m.%d}", ["/bin/bash"]),
            )
            to.image(image, f"{made:%Y.%m.%d}", *(["latest"] if week == 1 else []))
            nightly = Image(
                steps=(*image.steps, run("go install ./next/...", 74 * MB + week, f"nightly {week}")), created=made
            )
            to.image(nightly, "nightly")
        to.abandoned("a push that was interrupted", 412_335_871)

    def platform_auth(self) -> None:
        """OCI images, the newest signed by cosign and described by an SBOM."""
        to = self._to("platform/auth")
        for number, days in enumerate((400, 280, 190, 88, 31, 0.2)):
            version = f"v2.{number}.0"
            image = to.image(
                Image(
                    steps=(
                        *DEBIAN,
                        run("apt-get update && apt-get install -y openjdk-17-jre-headless", 112_774_009),
                        copy("target/auth-server.jar /opt/auth/auth-server.jar", 48_113_902, version),
                        meta("EXPOSE map[8443/tcp:{}]"),
                        meta('CMD ["java" "-jar" "/opt/auth/auth-server.jar"]'),
                    ),
                    created=self._ago(days),
                    settings=_settings("platform/auth", version, ["java", "-jar", "/opt/auth/auth-server.jar"]),
                    annotations={"org.opencontainers.image.version": version},
                ),
                version,
                *(["latest"] if number == 5 else []),
            )
        tag = image["digest"].replace(":", "-")
        signature = to.blob(
            json.dumps({"critical": {"image": {"docker-manifest-digest": image["digest"]}}}).encode(),
            "application/vnd.dev.cosign.simplesigning.v1+json",
            {"dev.cosignproject.cosign/signature": "MEUCIQDkFb0z0rGvW5VJqg3YhmJ1o5T8aZ1y2bW8kq3cQ0hYdAIg"},
        )
        sbom = to.blob(b'{"spdxVersion":"SPDX-2.3","name":"platform/auth"}', "text/spdx+json")
        for suffix, content in (("sig", signature), ("sbom", sbom)):
            config = to.blob(json.dumps({"architecture": "", "of": suffix}).encode(), _OCI_CONFIG)
            to.artifact(config, [content], f"{tag}.{suffix}")

    def platform_ingress(self) -> None:
        """A repository whose name is the beginning of another's."""
        to = self._to("platform/ingress")
        for version, days in (("0.9.1", 510), ("0.9.2", 377), ("1.0.0", 205)):
            to.image(
                Image(
                    steps=(*ALPINE, copy("ingress /usr/bin/ingress", 22_090_771, version)),
                    created=self._ago(days),
                    settings=_settings("platform/ingress", version, ["ingress"]),
                ),
                version,
            )

    def platform_ingress_controller(self) -> None:
        to = self._to("platform/ingress/controller")
        for version, days in (("v1.9.6", 300), ("v1.10.0", 160), ("v1.11.0-beta.0", 70), ("v1.11.3", 19)):
            children = [
                to.image(
                    Image(
                        steps=(
                            *ALPINE,
                            run("apk add -U --no-cache bash curl openssl pcre zlib", 9_870_230),
                            copy("--chown=www-data:www-data etc /etc", 1_022_118, version),
                            copy("--from=builder /nginx-ingress-controller /", 31_507_455, version + platform),
                            run("setcap cap_net_bind_service=+ep /nginx-ingress-controller", 31_507_460, version),
                            meta("USER www-data"),
                            meta('ENTRYPOINT ["/usr/bin/dumb-init" "--"]'),
                        ),
                        created=self._ago(days),
                        platform=platform,
                        settings=_settings("platform/ingress/controller", version, ["/usr/bin/dumb-init"]),
                    )
                )
                for platform in _PLATFORMS
            ]
            to.index(
                [*children, *map(to.attestation, children)],
                version,
                *(["latest"] if version == "v1.11.3" else []),
                annotations={"org.opencontainers.image.source": "https://git.example.com/platform/ingress"},
            )

    def mirror_nginx(self) -> None:
        """A Docker manifest list, made by the classic builder."""
        to = self._to("mirror/nginx")
        for version, days in (("1.25.5", 230), ("1.26.2", 101), ("1.27.2", 44)):
            children = [
                to.image(
                    Image(
                        steps=(
                            *OLD_DEBIAN,
                            nop("LABEL maintainer=NGINX Docker Maintainers <docker-maint@nginx.com>"),
                            nop(f"ENV NGINX_VERSION={version}"),
                            sh("set -x     && groupadd --system --gid 101 nginx", 41_375_880, version),
                            nop("COPY file:5c18272734349488bd0c94ec8d382c872c1a0a435cca13bd4671353d6021d2cb in /", 957),
                            nop("EXPOSE 80"),
                            nop("STOPSIGNAL SIGQUIT"),
                            nop('CMD ["nginx" "-g" "daemon off;"]'),
                        ),
                        created=self._ago(days),
                        platform=platform,
                        docker=True,
                        settings=_settings("mirror/nginx", version, ["nginx", "-g", "daemon off;"]),
                    )
                )
                for platform in ("linux/amd64", "linux/arm64/v8", "linux/s390x")
            ]
            minor = version.rpartition(".")[0]
            newest = ["latest"] if version == "1.27.2" else []
            to.index(children, version, minor, *newest, docker=True)

    def mirror_redis(self) -> None:
        """Docker images on one platform, of the years before buildkit."""
        to = self._to("mirror/redis")
        for version, days in (("5.0.14", 1490), ("6.2.16", 960), ("7.0.15", 620), ("7.4.1", 49)):
            steps = (
                *OLD_DEBIAN,
                sh("groupadd -r -g 999 redis && useradd -r -g redis -u 999 redis", 1_731),
                nop(f"ENV REDIS_VERSION={version}"),
                sh('set -eux; savedAptMark="$(apt-mark showmanual)"; apt-get update', 12_883_940, version),
                nop("VOLUME [/data]"),
                nop('ENTRYPOINT ["docker-entrypoint.sh"]'),
                nop('CMD ["redis-server"]'),
            )
            settings = _settings("mirror/redis", version, ["redis-server"])
            image = Image(steps, self._ago(days), docker=True, settings=settings)
            to.image(image, version, version.partition(".")[0])

    def tools_cli(self) -> None:
        """Prereleases, numbers that do not sort as text, and a platform that is not Linux."""
        to = self._to("tools/cli")
        versions = "1.9.0 1.10.0 1.10.1 2.0.0-alpha.1 2.0.0-alpha.2 2.0.0-beta.1 2.0.0-rc.1 2.0.0 2.0.1-dev.7"
        for number, version in enumerate(versions.split()):
            image = Image(
                steps=(copy("cli /cli", 7_104_882 + number * 31_000, version), meta('ENTRYPOINT ["/cli"]')),
                created=self._ago(days=150 - number * 18, hours=5),
                settings=_settings("tools/cli", version, ["/cli"]),
            )
            windows = Image(image.steps, image.created, "windows/amd64", extra={"os.version": "10.0.20348.2762"})
            platforms = [image, image.on("linux/arm64"), windows]
            aliases = {"2.0.0": ["2", "2.0", "latest"], "2.0.1-dev.7": ["edge"]}.get(version, [])
            to.index([to.image(each) for each in platforms], version, *aliases)

    def data_etl(self) -> None:
        """Layers compressed by zstd; `main` was pushed again, so that older images have no tag any more."""
        to = self._to("data/etl")
        for number, days in enumerate((46, 39, 25, 11, 4, 0.05)):
            steps = (
                *DEBIAN,
                run("pip install --no-cache-dir -r requirements.txt", 318_224_190, str(number // 2)),
                copy(". /app", 2_310_004 + number * 977, str(number)),
                meta('CMD ["python" "-m" "etl"]'),
            )
            settings = _settings("data/etl", f"build-{number}", ["python", "-m", "etl"])
            image = Image(steps, self._ago(days), zstd=True, settings=settings)
            to.image(image, "main", *([f"2024.{number}"] if number % 2 else []))
        to.abandoned("etl, interrupted", 96_004_318)

    def charts(self) -> None:
        """Helm charts: artifacts, not images."""
        to = self._to("charts/gateway")
        for version, days in (("0.3.0", 300), ("0.4.0", 130), ("0.4.1", 8)):
            chart = {"name": "gateway", "version": version, "apiVersion": "v2", "appVersion": "1.4.1"}
            to.artifact(
                to.blob(json.dumps(chart).encode(), _HELM + "config.v1+json"),
                [to.blob(b"\x1f\x8b" + version.encode() * 900, _HELM + "chart.content.v1.tar+gzip")],
                version,
                artifactType=_HELM + "config.v1+json",
                annotations={
                    "org.opencontainers.image.created": f"{self._ago(days):%Y-%m-%dT%H:%M:%SZ}",
                    "org.opencontainers.image.title": "gateway",
                    "org.opencontainers.image.version": version,
                },
            )

    def legacy_reports(self) -> None:
        """Images that do not tell when they were made, or say 1970."""
        to = self._to("legacy/reports")
        steps = (*OLD_DEBIAN, nop("COPY dir:reports in /srv ", 18_430_900), nop('CMD ["./reports"]'))
        old = Image(steps, self._ago(days=3 * 365 + 40), docker=True)
        to.image(old, "2021.4")
        undated = (*steps, DemoStep("bazel build ...", 1_004, comment="bazel"))
        to.image(Image(undated, None, docker=True), "undated")
        epoch = self._now.replace(1970, 1, 1, 0, 0, 0, 0)
        to.image(Image((*undated, nop("LABEL reproducible=1")), epoch, docker=True), "reproducible")

    def legacy_billing(self) -> None:
        """What goes wrong in registries: a tag without its manifest, an image without its config."""
        to = self._to("legacy/billing")
        digests = {}
        for version, days in (("3.1", 800), ("3.2", 700), ("3.3", 640)):
            steps = (*OLD_DEBIAN, nop("COPY dir:billing in /srv ", 61_003_771, version), nop('CMD ["./run"]'))
            image = Image(steps, self._ago(days), docker=True, settings=_settings("legacy/billing", version, ["./run"]))
            digests[version] = to.image(image, version)["digest"]
        self.storage.set_tag("legacy/billing", "3.4", digest_of(b"a manifest that a crash took, and left its tag"))
        manifest = self.storage.manifest("legacy/billing", digests["3.2"])
        assert manifest is not None
        self.storage.unlink_layer("legacy/billing", json.loads(manifest.data)["config"]["digest"])

    def sandbox_empty(self) -> None:
        """Everything in it was deleted; the repository stays."""
        to = self._to("sandbox/empty")
        image = to.image(Image((*ALPINE, meta('CMD ["true"]')), self._ago(days=90)), "test")
        self.storage.delete_manifest("sandbox/empty", image["digest"])

    def sandbox_hostile(self) -> None:
        """Text that would run actions, break the markup, or speak to the terminal, if it was let through."""
        to = self._to("sandbox/hostile")
        attacks = {
            "markup": "[/] [/bold] [red]red[/red] [$primary] [@click=app.quit]click me[/]",
            "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
            "title": "\x1b]0;owned\x07\x9b31m\x1b[2J\x1b[H",
            "bidi": "abc\u202etxt.exe\u2066\u2069",
            "lines": "one\ntwo\r\nthree\ttabbed\u2028four\x00\x08\x7f",
            "wide": "家族👨‍👩‍👧‍👦 ｗｉｄｅ e\u0301 \u200b\ufeff",
            "long": "A" * 5_000,
        }
        commands = [DemoStep(f"RUN echo {text} # buildkit", 1_000 + len(text)) for text in attacks.values()]
        settings: dict[str, Any] = {
            "Cmd": ["[@click=app.quit]sh[/]", "\x1b[31m"],
            "Env": [f"{key.upper()}={text}" for key, text in attacks.items()],
            "Labels": {f"[bold]{key}[/bold]\x1b[7m": text for key, text in attacks.items()},
            "User": "[/]root\u202e",
        }
        image = Image(
            steps=(*ALPINE, *commands),
            created=self._ago(hours=7),
            settings=settings,
            extra={"author": attacks["markup"] + attacks["clipboard"]},
            annotations={f"com.example.{key}": text for key, text in attacks.items()},
        )
        to.image(image, "latest", "__init__", "A.B-c_d")
        strange = to.image(image.on("[/]linux\x1b]0;x\x07/amd64[red]/[@click=app.quit]v1[/]"))
        to.index([strange], "platforms", annotations={"[/]": attacks["title"]})


_HELM = "application/vnd.cncf.helm."
_OCI_CONFIG = "application/vnd.oci.image.config.v1+json"


def _settings(repository: str, version: str, command: Sequence[str], *env: str) -> dict[str, Any]:
    return {
        "Cmd": list(command),
        "Env": [_PATH, *env],
        "Labels": {
            "org.opencontainers.image.revision": digest_of(f"{repository} {version}".encode())[7:47],
            "org.opencontainers.image.source": f"https://git.example.com/{repository}",
            "org.opencontainers.image.version": version,
        },
        "WorkingDir": "/",
    }
