"""What programs ask about the server itself."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from mmtts import __version__
from mmtts.serving.service import service_of

router = APIRouter(tags=["status"])


@router.get("/v1/models")
async def list_models(request: Request) -> dict[str, Any]:
    """Name the one model in memory."""
    model = {"id": service_of(request).settings.model, "object": "model", "created": 0}
    return {"object": "list", "data": [{**model, "owned_by": "mmtts"}]}


@router.get("/healthz")
async def tell_health() -> dict[str, str]:
    """Tell that the server answers."""
    return {"status": "ok", "version": __version__}


@router.get("/metrics", response_class=Response)
async def show_metrics(request: Request) -> Response:
    """Show what was counted, for Prometheus."""
    page = service_of(request).monitor.page()
    return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")
