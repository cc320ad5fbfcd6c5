"""From what a repository holds to the plan of a deletion."""

from collections.abc import Callable

from regtui.content.store import ContentStore
from regtui.deletion.blobs import with_blobs
from regtui.deletion.inventory import read_contents
from regtui.deletion.plan import make_plan, without_push
from regtui.deletion.referrers import with_referrers
from regtui.deletion.request import Request
from regtui.deletion.values import Contents, Method, Plan
from regtui.registry.answers import deletion_obstacle
from regtui.registry.client import RegistryClient
from regtui.registry.errors import RegistryError
from regtui.registry.probing import check_push, deletion_support
from regtui.registry.values import Deletion


async def plan_deletion(
    client: RegistryClient,
    content: ContentStore,
    request: Request,
    *,
    read_only: bool,
    on_progress: Callable[[int, int], None] | None,
) -> Plan:
    """As `Session.plan_deletion` says it. Raises RegistryError."""
    repository = request.repository
    # What is used keeps what is below it, also where no tag leads to it any more.
    digests = {*request.digests, *request.used.named_here}
    contents = await read_contents(client, content, repository, digests=digests, on_progress=on_progress)
    return await plan_on(client, content, contents, request, read_only=read_only, on_progress=on_progress)


async def plan_on(
    client: RegistryClient,
    content: ContentStore,
    contents: Contents,
    request: Request,
    *,
    read_only: bool,
    on_progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """The same with what the repository holds already read. Raises RegistryError."""
    repository = request.repository
    support = Deletion.READ_ONLY if read_only else await deletion_support(client, repository)
    method = Method.at(support)
    obstacle = deletion_obstacle(client.host, support, by_choice=read_only)

    def planned(contents: Contents) -> Plan:
        return make_plan(contents, request, method=method, obstacle=obstacle)

    plan = planned(contents)
    going = [manifest.digest for manifest in (*plan.manifests, *plan.left)]
    referred = await with_referrers(client, content, contents, going)
    if len(referred.manifests) > len(contents.manifests) or referred.unread_manifests != contents.unread_manifests:
        plan = planned(referred)
    if not plan.obstacle and not plan.is_empty:
        plan = planned(await with_blobs(client, content, plan, on_progress))
    if plan.obstacle or plan.is_empty or await _may_push(client, repository):
        return plan
    return without_push(plan)


async def _may_push(client: RegistryClient, repository: str) -> bool:
    try:
        await check_push(client, repository)
    except RegistryError:
        return False
    return True
