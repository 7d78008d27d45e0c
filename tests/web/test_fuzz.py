"""Every route asked with made-up requests, signed in and not: no request makes a page fail."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from storage import people
from tests.e2e.test_console import Served
from tests.web.signed import ADMIN, token_on
from web.console.filters import FIELDS

EXAMPLES = 12
"""Of each route and method; some 500 requests in all."""

QUERY = (*FIELDS, "before", "after", "period", "team", "phase", "code", "status", "back", "against")
FORM = ("token", "through", "format", "session", "to", "expected", "on", "reason_code", "reason")
PLACE = re.compile(r"\{(\w+)(:\w+)?\}")
FINE = {200, 303, 400, 401, 403, 404, 405, 409, 413, 415}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.stop()


def described(app: Any) -> dict[str, Any]:
    """The routes as OpenAPI says it, each taking whatever any of our pages takes."""
    paths: dict[str, Any] = {}
    for route in app.routes:
        if route.path == "/sign-out":
            continue  # it would end the session that asks
        for method in route.methods - {"HEAD"}:
            path = PLACE.sub(r"{\1}", route.path)
            paths.setdefault(path, {})[method.lower()] = _operation(route.path, method)
    return {"openapi": "3.0.3", "info": {"title": "Curbside", "version": "1"}, "paths": paths}


def _operation(path: str, method: str) -> dict[str, Any]:
    text = {"type": "string"}
    places = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {**text, "format": "uuid"} if kind else text,
        }
        for name, kind in PLACE.findall(path)
    ]
    asked = [{"name": name, "in": "query", "schema": text} for name in QUERY]
    form = {"type": "object", "properties": dict.fromkeys((*FORM, *FIELDS), text)}
    body = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
    return {
        "responses": {"default": {"description": "a page"}},
        "parameters": [*places, *asked],
        **({"requestBody": body} if method == "POST" else {}),
    }


def test_no_made_up_request_makes_a_page_fail(served: Served) -> None:
    admin = served.writes(lambda tx: people.get_or_create(tx, ADMIN, "Admin", is_admin=True))
    browser = served.runs(served.pages.signed_in(admin))
    token = token_on(served.runs(browser.get("/console/teams")))
    schema = schemathesis.openapi.from_dict(described(served.pages.app))
    codes: Counter[int] = Counter()

    for found in schema.get_all_operations():
        assert isinstance(found, Ok)

        @given(case=found.ok().as_strategy())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            given_form = case.body if isinstance(case.body, dict) else {}
            form = {**given_form, "token": token} if "token" in given_form else given_form
            request = browser.build_request(
                case.method,
                httpx.URL(case.formatted_path),
                params=case.query or None,
                data=form if case.method == "POST" else None,
            )
            codes[served.runs(browser.send(request)).status_code] += 1

        ask()

    assert set(codes) <= FINE
    assert served.runs(browser.get("/console/teams")).status_code == 200
    assert {200, 303, 400, 404} <= set(codes)
