"""Errors as Langfuse's API words them."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from certtrace.errors import CerttraceError, InputError
from certtrace.server.allowed import methods_at
from certtrace.server.answers import answer
from certtrace.server.issues import issues

_log: Final = logging.getLogger("certtrace.server")


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
    app.add_exception_handler(OverflowError, _impossible_value)
    app.add_exception_handler(UnicodeEncodeError, _impossible_value)


def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class
    body: dict[str, Any] = {"message": error.message}
    if error.error is not None:
        body["error"] = error.error
    return answer(body, error.status, headers=error.headers)


def _invalid_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    return answer({"message": "Invalid request data", "error": issues(error.errors())}, 400)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    if error.status_code != 405:
        return answer({"message": str(error.detail)}, error.status_code, headers=error.headers)
    body = {"message": "Method not allowed", "error": "MethodNotAllowedError"}
    return answer(body, 405, headers={"Allow": ", ".join(methods_at(request.app, request.url.path))})


def _own_error(_request: Request, error: Exception) -> Response:
    if isinstance(error, InputError):
        return answer({"message": str(error), "error": "InvalidRequestError"}, 400)
    # The message names files of this machine: it is for the log.
    _log.error("A request was answered 503: %s", error)
    body = {"message": "The store cannot be used at present. Try again.", "error": "ServiceUnavailableError"}
    return answer(body, 503, headers={"Retry-After": "1"})


def _impossible_value(_request: Request, _error: Exception) -> Response:
    """Answer to numbers and characters that no store can hold; the error's text would quote them."""
    return answer({"message": "Invalid request data", "error": "A number or a character is out of range."}, 400)
