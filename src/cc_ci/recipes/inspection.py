"""All that is understood of a recipe, as plain values with a stable shape."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cc_ci.recipes.backup_labels import backup_plan
from cc_ci.recipes.boundary import understanding
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.linting.lint import configured
from cc_ci.recipes.policy.judgement import judge
from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.policy.refusals import Refusal
from cc_ci.recipes.recipe import Recipe
from cc_ci.recipes.routes import Route, routes
from cc_ci.recipes.stack import Service, Stack, read_stack
from cc_ci.recipes.versions import PublishedVersion, published_versions, version_before


def inspect(recipe: Recipe, *, variant: Sequence[str] | None = None) -> dict[str, Any]:
    """Values are text, numbers, or lists of rows with the same keys each. Raises RecipeError."""
    with understanding(f"recipe {recipe.name}"):
        return _inspected(recipe, variant=variant)


def _inspected(recipe: Recipe, *, variant: Sequence[str] | None) -> dict[str, Any]:
    app = (
        configured(recipe, variant=tuple(variant))
        if variant
        else configure(recipe, domain=f"{recipe.name}.example.com")
    )
    stack, published = read_stack(app), published_versions(recipe.root)
    before = version_before(recipe.root)
    return {
        "recipe": recipe.name,
        "version": app.version,
        "previous_version": before.tag if isinstance(before, PublishedVersion) else None,
        "timeout_seconds": app.timeout,
        "functions": list(recipe.functions),
        "services": [_service(stack, service) for service in stack.services.values()],
        "health_checks": [_check(service) for service in stack.services.values()],
        "routes": [_route(route) for route in routes(stack)],
        "volumes": [
            {
                "volume": key,
                "name": volume.name,
                "external": volume.external,
                "mounted": _mounted(stack, key),
            }
            for key, volume in stack.volumes.items()
        ],
        "asks_for": [_asked(one) for one in judge(Look(app=app, stack=stack)).refusals],
        "networks": [{"network": key, **msgspec.to_builtins(one)} for key, one in stack.networks.items()],
        "secrets": [msgspec.to_builtins(secret) for secret in app.secrets],
        "configs": [
            {
                "config": key,
                "name": one.name,
                "file": one.file and _inside(recipe, one.file),
                "template": one.template_driver,
            }
            for key, one in stack.configs.items()
        ],
        **_backups(stack),
        "versions": [
            {"tag": one.tag, "commit": one.commit[:12], "annotated": one.annotated} for one in published
        ],
        "compose_files": [
            {"file": str(path.relative_to(recipe.root)), "used": path in app.compose_files}
            for path in recipe.compose_files
        ],
    }


def _route(route: Route) -> dict[str, Any]:
    names = (
        "service",
        "router",
        "rule",
        "hosts",
        "entrypoints",
        "certresolver",
        "tls",
        "port",
        "middlewares",
    )
    return {name: msgspec.to_builtins(getattr(route, name)) for name in names}


def _asked(refusal: Refusal) -> dict[str, Any]:
    """One thing that a run would refuse."""
    return {
        "permission": refusal.permission,
        "where": str(refusal.source or ""),
        "key": refusal.key,
        "what": refusal.what,
        "remedy": refusal.remedy,
        "blame": refusal.blame,
    }


def _service(stack: Stack, service: Service) -> dict[str, Any]:
    return {
        "service": service.name,
        "image": service.image,
        "mode": service.deploy.mode,
        "replicas": service.deploy.replicas,
        "networks": list(service.networks),
        "ports": [f"{port.published or ''}:{port.target}/{port.protocol}" for port in service.ports],
        "where": str(stack.source(f"services.{service.name}.image")),
    }


def _check(service: Service) -> dict[str, Any]:
    check = service.healthcheck
    return {
        "service": service.name,
        "test": " ".join(check.test or ("the image's own",)) if check else None,
        "interval": check.interval if check else None,
        "timeout": check.timeout if check else None,
        "retries": check.retries if check else None,
        "start_period": check.start_period if check else None,
        "disabled": service.healthcheck_disabled,
    }


def _mounted(stack: Stack, volume: str) -> list[str]:
    return [
        f"{service.name}:{mount.target}"
        for service in stack.services.values()
        for mount in service.mounts
        if mount.volume == volume
    ]


def _backups(stack: Stack) -> dict[str, Any]:
    plan = backup_plan(stack)
    rows = [{"volume": one.volume, "backed_up": True, "paths": list(one.paths)} for one in plan.volumes]
    rows += [{"volume": one, "backed_up": False, "paths": []} for one in (*plan.uncovered, *plan.excluded)]
    return {
        "backup_volumes": rows,
        "backup_hooks": [msgspec.to_builtins(service) for service in plan.services],
    }


def _inside(recipe: Recipe, path: str) -> str:
    return path.removeprefix(f"{recipe.root}/")
