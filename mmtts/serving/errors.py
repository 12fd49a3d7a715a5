"""Refusals in the shape that OpenAI's clients read: one sentence, a type, a code."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from mmtts import InputError


class ApiError(HTTPException):
    """A refusal.

    Args:
        status: HTTP status, 4xx or 5xx.
        message: One sentence that names the thing and the fix.
        code: A word for programs.
        headers: Of the answer.
    """

    def __init__(
        self, status: int, message: str, code: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, message, headers)
        self.code = code


def error_body(
    status: int, message: str, code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    """Build the body of a refusal; whatever the message held, it is one line."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    said = " ".join(message.split())
    return {"error": {"message": said, "type": kind, "param": param, "code": code}}


def error_response(error: Exception) -> JSONResponse:
    """Turn what went wrong into an answer; an `InputError` is the client's."""
    if isinstance(error, AnyHTTPException):
        body = error_body(error.status_code, str(error.detail), getattr(error, "code", None))
        return JSONResponse(body, error.status_code, error.headers)
    if isinstance(error, InputError):
        return JSONResponse(error_body(400, str(error), "unusable_input"), 400)
    return JSONResponse(error_body(500, "something unexpected failed in the server"), 500)


def install_errors(app: FastAPI) -> None:
    """Answer every failure of an app in this shape."""

    async def refuse(request: Request, error: Exception) -> JSONResponse:
        return error_response(error)

    async def refuse_fields(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        message, param = _first_fault(error)
        return JSONResponse(error_body(400, message, "invalid_value", param), 400)

    app.add_exception_handler(RequestValidationError, refuse_fields)
    for kind in (AnyHTTPException, InputError, Exception):
        app.add_exception_handler(kind, refuse)


def _first_fault(error: RequestValidationError) -> tuple[str, str | None]:
    """Say what is wrong with the first wrong field, and which one it is."""
    fault = error.errors()[0]
    if fault["type"] == "json_invalid":
        return "the body is not JSON that can be read; check its quotes and commas", None
    where = ".".join(str(part) for part in fault["loc"][1:])
    if not where:
        return "the body must be a JSON object; send it as application/json", None
    if fault["type"] == "missing":
        return f"{where} is missing; add it to the request", where
    return f"{where} cannot be used: {fault['msg']}", where
