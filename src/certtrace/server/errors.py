"""Errors as Langfuse's API words them."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from certtrace.errors import CerttraceError
from certtrace.server.answers import answer


class ApiError(Exception):
    """An answer that is not a success. The body is `{"message": …, "error": …}`."""

    def __init__(self, status: int, message: str, error: object = None, headers: Mapping[str, str] | None = None):
        """Take the HTTP status, the message, the `error` field if there is one, and further headers."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.error = error
        self.headers = headers


def not_found(message: str) -> ApiError:
    """Return what Langfuse answers where there is no such record."""
    return ApiError(404, message, "LangfuseNotFoundError")


def invalid(message: str) -> ApiError:
    """Return what Langfuse answers to a request that cannot be."""
    return ApiError(400, message, "InvalidRequestError")


def forbidden(message: str) -> ApiError:
    """Return the answer to a key that may not do this."""
    return ApiError(403, message, "ForbiddenError")


def install(app: FastAPI) -> None:
    """Have the app answer every error in Langfuse's form."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(CerttraceError, _own_error)


def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class
    body: dict[str, Any] = {"message": error.message}
    if error.error is not None:
        body["error"] = error.error
    return answer(body, error.status, headers=error.headers)


def _invalid_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    return answer({"message": "Invalid request data", "error": issues(error.errors())}, 400)


def issues(errors: Sequence[Any]) -> list[dict[str, Any]]:
    """Return pydantic's findings in the form of Langfuse's: code, path and message. Values are not repeated."""
    return [
        {
            "code": "invalid_type" if each["type"].endswith("_type") or each["type"] == "missing" else "custom",
            "path": [part for part in each["loc"] if part not in ("body", "query", "path")],
            "message": "Required" if each["type"] == "missing" else each["msg"],
        }
        for each in errors
    ]


def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    message = "Method not allowed" if error.status_code == 405 else str(error.detail)
    return answer({"message": message}, error.status_code, headers=error.headers)


def _own_error(_request: Request, error: Exception) -> Response:
    return answer({"message": str(error), "error": "ServiceUnavailableError"}, 503)
