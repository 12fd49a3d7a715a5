"""The FastAPI app of one synthesizer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from mmtts import __version__
from mmtts.serving import speech_routes, status_routes, studio_routes, voice_routes
from mmtts.serving.access import Access
from mmtts.serving.admission import Admission
from mmtts.serving.errors import install_errors
from mmtts.serving.monitor import Watching
from mmtts.serving.service import Service
from mmtts.serving.settings import Settings
from mmtts.synthesis.synthesizer import Synthesizer


def build_app(synthesizer: Synthesizer, settings: Settings) -> FastAPI:
    """Build the server's app: routes, and what stands in front of them.

    A request is counted, then let in by key and host, then waits for its turn. Further routes, such
    as a page, are added to the result by `include_router` or `mount`; `service_of` gives them the
    model, and whatever computes goes through `Service.work`.

    Args:
        synthesizer: Speaks; the app has it for itself.
        settings: Limits and places.

    Raises:
        InputError: The folder of voices cannot be used.
    """
    service = Service(synthesizer, settings)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await service.work(service.warm_up)
        yield
        service.close()

    app = FastAPI(
        title="mmtts",
        version=__version__,
        summary="Speech in a voice from a face, a clip or a sentence, for OpenAI's clients.",
        lifespan=life,
        docs_url=None,  # its scripts would come from elsewhere; /openapi.json describes the same
        redoc_url=None,
    )
    app.state.service = service
    install_errors(app)
    for routes in (speech_routes, voice_routes, status_routes, studio_routes):
        app.include_router(routes.router)
    app.mount("/studio", StaticFiles(directory=studio_routes.PAGE), "studio")
    # The last one added is the first that a request meets.
    app.add_middleware(Admission, settings=settings, monitor=service.monitor)
    app.add_middleware(Access, settings=settings)
    app.add_middleware(Watching, monitor=service.monitor)
    return app
