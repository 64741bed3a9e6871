"""The rules of the layout hold, and each check of them is shown to fail on a violation planted in a copy."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

ROOT = Path(__file__).parent.parent
LINT = Path(sys.executable).parent / "lint-imports"
EDGES = ("views.py", "admin.py", "consumers.py", "tasks.py")
# What answers without sign-in; everything else must not.
OPEN_API = {"auth/token/", "auth/token/refresh/"}
OPEN_PAGES = {"favicon", "sign_in", "register", "sign_out", "healthz", "offline", "service_worker", "schema", "docs"}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINT), "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_import_contracts_hold() -> None:
    answer = lint(ROOT)
    assert answer.returncode == 0, answer.stdout


# File to plant in, the line planted, the contract that must notice.
VIOLATIONS = [
    ("apps/accounts/models.py", "from apps.exchanges import models as _planted", "The ladder of apps"),
    ("apps/orders/models.py", "from apps.strategies import models as _planted", "The ladder of apps"),
    ("cts/db.py", "from apps.accounts import models as _planted", "The ladder of apps"),
    ("cts/domain/units.py", "import random as _planted", "The domain is pure"),
    ("apps/exchanges/connectors/base.py", "import django as _planted", "Connectors know no Django"),
    (
        "apps/exchanges/connectors/bybit/__init__.py",
        "from apps.exchanges.connectors import binance as _planted",
        "Venue files don't import each other",
    ),
    (
        "apps/exchanges/paper/bybit/__init__.py",
        "from apps.exchanges.paper import binance as _planted",
        "The paper venue's faces don't import each other",
    ),
    ("cts/queue.py", "from tests import bootstrap as _planted", "Nobody but the composition root imports the tests"),
]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy with every violation planted at once."""
    copy = tmp_path_factory.mktemp("planted")
    for package in ("cts", "apps", "tests"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for path, line, _ in VIOLATIONS:
        with (copy / path).open("a") as file:
            file.write(f"\n{line}\n")
    return lint(copy).stdout


@pytest.mark.parametrize(("path", "line", "contract"), VIOLATIONS)
def test_a_planted_violation_is_noticed(broken: str, path: str, line: str, contract: str) -> None:
    assert f"{contract} BROKEN" in broken
    importer = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    said = broken.split("Broken contracts")[1]
    assert importer in said.split(f"\n{contract}\n", 1)[1]


def modules(*names: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / "apps").rglob("*.py")):
        is_edge = path.name in names or ("api" in path.parts and "api" in names)
        if is_edge and "migrations" not in path.parts:
            yield path, ast.parse(path.read_text())


WRITES = {"save", "create", "bulk_create", "bulk_update", "update", "delete", "get_or_create", "update_or_create"}


def writes(tree: ast.AST) -> list[int]:
    """Lines that write rows: `x.save()`, `Model.objects.create()`, `rows.filter().update()` and the like."""
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_write(node)]


def _is_write(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in WRITES:
        return False
    owner = ast.unparse(call.func.value)
    return call.func.attr == "save" or ".objects" in owner or ".filter(" in owner or ".all()" in owner


def test_edges_write_through_services_alone() -> None:
    found = [f"{path.relative_to(ROOT)}:{line}" for path, tree in modules(*EDGES, "api") for line in writes(tree)]
    assert found == []


@pytest.mark.parametrize(
    "line",
    ["order.save()", "Order.objects.create(a=1)", "rows.filter(pk=1).update(a=2)", "Order.objects.all().delete()"],
)
def test_a_write_at_an_edge_would_be_noticed(line: str) -> None:
    assert writes(ast.parse(line)) == [1]
    assert writes(ast.parse("context.update({})\nforms.create(x)")) == []


LADDER = {"models": 0, "selectors": 1, "services": 2}
TOP = ("views", "admin", "consumers", "tasks", "api")


def upward(path: Path, tree: ast.Module) -> list[str]:
    """Imports from a lower file of an app to a higher one of the same app, outside functions."""
    app = path.relative_to(ROOT / "apps").parts[0]
    own = LADDER.get(path.stem, 3 if path.stem in TOP else None)
    if own is None:
        return []
    targets = [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
    names = [target.split(".")[2] for target in targets if target.startswith(f"apps.{app}.")]
    return [name for name in names if LADDER.get(name, 3 if name in TOP else -1) > own]


def test_inside_an_app_imports_go_down() -> None:
    files = modules("models.py", "selectors.py", "services.py")
    assert {str(path): found for path, tree in files if (found := upward(path, tree))} == {}


def test_an_upward_import_would_be_noticed() -> None:
    planted = ast.parse("from apps.orders.services import order_create")
    assert upward(ROOT / "apps/orders/selectors.py", planted) == ["services"]


def addresses(
    patterns: list[URLPattern | URLResolver] | None = None, prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = prefix + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, here)
        else:
            yield here, pattern


def api_views() -> dict[str, type[APIView]]:
    views = {here: pattern.callback for here, pattern in addresses() if here.startswith("api/v1/")}
    return {here.removeprefix("api/v1/"): vars(callback)["view_class"] for here, callback in views.items()}


def test_every_api_address_but_sign_in_wants_a_caller() -> None:
    views = api_views()
    assert len(views) > 20
    is_open = {
        here for here, view in views.items() if AllowAny in view.permission_classes or not view.permission_classes
    }
    assert is_open == OPEN_API


def test_every_page_but_a_few_wants_a_caller(client: Client, db: None) -> None:
    pages = {
        pattern.name: here
        for here, pattern in addresses()
        if not here.startswith(("admin/", "api/v1/", "static/")) and pattern.name not in OPEN_PAGES
    }
    assert pages
    for name, here in pages.items():
        answer = client.get("/" + _filled(here), follow=True)
        assert (name, answer.redirect_chain[-1][0].partition("?")[0]) == (name, "/sign-in/")


def _filled(pattern: str) -> str:
    for part in ("<int:pk>", "<int:connection_id>"):
        pattern = pattern.replace(part, "1")
    return pattern


def test_every_model_has_its_page_in_the_admin() -> None:
    ours = [model for model in apps.get_models() if model._meta.app_config.name.startswith("apps.")]
    assert [model.__name__ for model in ours if model not in admin.site._registry] == []
