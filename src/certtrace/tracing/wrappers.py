"""Build the wrapper of a function: same signature, same kind, same globals, one frame.

The wrapper is compiled with the parameters of the wrapped function. So Python itself binds the arguments: a wrong call
fails at the call with the function's own `TypeError`, also for coroutines and generators, whose bodies run later;
`inspect` sees a function of the same kind; and what is to be captured is at hand without binding a second time.
"""

import functools
import sys
import types
from collections.abc import Callable
from inspect import (
    CO_ASYNC_GENERATOR,
    CO_COROUTINE,
    CO_GENERATOR,
    CO_ITERABLE_COROUTINE,
    CO_VARARGS,
    CO_VARKEYWORDS,
)
from keyword import iskeyword
from typing import Any, Final

from certtrace.tracing.active import ACTIVE, CallSite

_PLAIN: Final = """\
    def wrapper({signature}):
        _ct_runtime = _ct_active.runtime
        _ct_span = None if _ct_runtime is None else _ct_runtime.open(_ct_site, ({values}))
        if _ct_span is None:
            return _ct_func({call})
        try:
            _ct_result = _ct_func({call})
        except _ct_BaseException as _ct_error:
            _ct_span.fail_with(_ct_error)
            raise
        _ct_span.succeed(_ct_result)
        return _ct_result
"""

# What a coroutine or generator was given is let go of (`{forget}`): its body may want to free it long before it ends.
_COROUTINE: Final = """\
    async def wrapper({signature}):
        _ct_runtime = _ct_active.runtime
        _ct_span = None if _ct_runtime is None else _ct_runtime.open(_ct_site, ({values}))
        if _ct_span is None:
            _ct_body = _ct_func({call})
            {forget}
            return await _ct_body
        try:
            _ct_body = _ct_func({call})
            {forget}
            _ct_result = await _ct_body
        except _ct_BaseException as _ct_error:
            _ct_span.fail_with(_ct_error)
            raise
        _ct_span.succeed(_ct_result)
        return _ct_result
"""

# A generator's span is current only while its body runs: at a `yield` the consumer gets its own context back. Every
# exception that arrives at the `yield`, `GeneratorExit` too, is thrown into the body, with the traceback it came with:
# `yield from` would close the body instead and lose what it answers, so it is not used for unrecorded calls either. The
# body is made before the span: nothing can then fail between the span's start and its end.
# The item is popped from a list as it is yielded: the wrapper must not keep it alive while it waits.
_GENERATOR: Final = """\
    def wrapper({signature}):
        _ct_body = _ct_func({call})
        _ct_runtime = _ct_active.runtime
        _ct_span = None if _ct_runtime is None else _ct_runtime.open(_ct_site, ({values}))
        {forget}
        _ct_sent = _ct_thrown = None
        while True:
            try:
                if _ct_thrown is None:
                    _ct_item = _ct_body.send(_ct_sent)
                else:
                    _ct_item = _ct_body.throw(_ct_thrown)
            except _ct_StopIteration as _ct_stop:
                if _ct_span is not None:
                    _ct_span.exhausted(_ct_stop.value)
                return _ct_stop.value
            except _ct_BaseException as _ct_error:
                _ct_thrown = None
                if _ct_span is not None:
                    _ct_span.fail_with(_ct_error)
                raise
            if _ct_span is not None:
                _ct_span.suspend()
                _ct_span.item(_ct_item)
            _ct_held = [_ct_item]
            _ct_item = _ct_sent = _ct_thrown = None
            try:
                _ct_sent = yield _ct_held.pop()
            except _ct_BaseException as _ct_error:
                _ct_thrown = _ct_error
                _ct_thrown.__traceback__ = _ct_thrown.__traceback__.tb_next
            if _ct_span is not None:
                _ct_span.resume()
"""

_ASYNC_GENERATOR: Final = """\
    async def wrapper({signature}):
        _ct_body = _ct_func({call})
        _ct_runtime = _ct_active.runtime
        _ct_span = None if _ct_runtime is None else _ct_runtime.open(_ct_site, ({values}))
        {forget}
        _ct_step = _ct_first(_ct_body)
        _ct_thrown = None
        while True:
            try:
                _ct_item = await _ct_step
            except _ct_StopAsyncIteration:
                if _ct_span is not None:
                    _ct_span.exhausted(None)
                return
            except _ct_BaseException as _ct_error:
                _ct_step = _ct_thrown = None
                if _ct_span is not None:
                    _ct_span.fail_with(_ct_error)
                raise
            if _ct_span is not None:
                _ct_span.suspend()
                _ct_span.item(_ct_item)
            _ct_held = [_ct_item]
            _ct_item = _ct_step = _ct_sent = _ct_thrown = None
            try:
                _ct_sent = yield _ct_held.pop()
            except _ct_BaseException as _ct_error:
                _ct_thrown = _ct_error
                _ct_thrown.__traceback__ = _ct_thrown.__traceback__.tb_next
            if _ct_span is not None:
                _ct_span.resume()
            _ct_step = _ct_body.asend(_ct_sent) if _ct_thrown is None else _ct_body.athrow(_ct_thrown)
"""

_FACTORY: Final = (
    "def _ct_factory(_ct_func, _ct_site, _ct_active, _ct_first, _ct_BaseException, _ct_StopIteration, "
    "_ct_StopAsyncIteration):\n{wrapper}    return wrapper\n"
)

WRAPPER_FILE: Final = "<traced, hidden as importlib._bootstrap>"
"""File name of every wrapper's code.

`warnings` and `logging` pass over frames whose file name holds these two words when they count `stacklevel`: a warning
that a traced function raises on behalf of its caller is still shown at the caller.
"""


def _first_step(body: Any) -> Any:
    # Only the outer generator is announced to the event loop: were the inner one known too, the loop would close both.
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return body.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)


def template_for(flags: int) -> str:
    """Return the wrapper's source for the kind of function that code `flags` describe."""
    if flags & CO_COROUTINE:
        return _COROUTINE
    if flags & CO_ASYNC_GENERATOR:
        return _ASYNC_GENERATOR
    if flags & CO_GENERATOR:
        return _GENERATOR
    return _PLAIN


@functools.lru_cache(maxsize=2_048)
def _factory(template: str, signature: str, call: str, values: str, forget: str) -> Callable[..., types.FunctionType]:
    # A parameter could have the name of one of the wrapper's own variables.
    source = _FACTORY.format(wrapper=template).replace("_ct_", _free_prefix(signature))
    source = source.format(signature=signature, call=call, values=values, forget=forget)
    made: dict[str, Callable[..., types.FunctionType]] = {}
    exec(compile(source, WRAPPER_FILE, "exec", dont_inherit=True), {}, made)  # noqa: S102 - our own source
    return next(iter(made.values()))


def _free_prefix(signature: str) -> str:
    prefix = "_ct_"
    while prefix in signature:
        prefix = f"{prefix}_"
    return prefix


def parameters(code: types.CodeType) -> tuple[str, ...]:
    """Return the names of all parameters, in the order in which a wrapper hands their values over."""
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    return code.co_varnames[:count]


def _layout(code: types.CodeType, *, defaults: int, kwdefaults: frozenset[str]) -> tuple[str, str]:
    """Write the parameter list of the wrapper and the argument list it calls the function with."""
    names = parameters(code)
    positional, rest = names[: code.co_argcount], names[code.co_argcount :]
    keyword_only, variadic = rest[: code.co_kwonlyargcount], rest[code.co_kwonlyargcount :]
    first_default = len(positional) - defaults
    signature = [f"{name}=None" if index >= first_default else name for index, name in enumerate(positional)]
    if code.co_posonlyargcount:
        signature.insert(code.co_posonlyargcount, "/")
    call = list(positional)
    star = variadic[0] if code.co_flags & CO_VARARGS else ""
    if star:
        call.append(f"*{star}")
    if star or keyword_only:
        signature.append(f"*{star}")
    for name in keyword_only:
        signature.append(f"{name}=None" if name in kwdefaults else name)
        call.append(f"{name}={name}")
    if code.co_flags & CO_VARKEYWORDS:
        signature.append(f"**{variadic[-1]}")
        call.append(f"**{variadic[-1]}")
    return ", ".join(signature), ", ".join(call)


def _build(func: Callable[..., Any], site: CallSite, factory: Callable[..., types.FunctionType]) -> types.FunctionType:
    return factory(func, site, ACTIVE, _first_step, BaseException, StopIteration, StopAsyncIteration)


def wrap_function(func: types.FunctionType, site: CallSite, hidden: int) -> types.FunctionType:
    """Return the traced form of a function.

    Args:
        func: Any function: plain, coroutine, generator or async generator function.
        site: What to record; its `params` are set here.
        hidden: How many leading parameters are not captured (`self`, `cls`).
    """
    code = func.__code__
    names = parameters(code)
    if not all(name.isidentifier() and not iskeyword(name) for name in names):
        return _dressed(wrap_callable(func, site, code.co_flags), func)
    kwdefaults = frozenset(func.__kwdefaults__ or ())
    signature, call = _layout(code, defaults=len(func.__defaults__ or ()), kwdefaults=kwdefaults)
    site.params = names[hidden:] if site.capture_input else ()
    values = "".join(f"{name}, " for name in site.params)
    made = _build(func, site, _factory(template_for(code.co_flags), signature, call, values, _forget(names)))
    flags = made.__code__.co_flags | (code.co_flags & CO_ITERABLE_COROUTINE)
    own_code = made.__code__.replace(co_name=code.co_name, co_qualname=code.co_qualname, co_flags=flags)
    # The function's own globals: frameworks resolve string annotations in them.
    wrapper = types.FunctionType(own_code, func.__globals__, func.__name__, func.__defaults__, made.__closure__)
    wrapper.__kwdefaults__ = dict(func.__kwdefaults__) if func.__kwdefaults__ else None
    return _dressed(wrapper, func)


def _dressed(wrapper: types.FunctionType, func: types.FunctionType) -> types.FunctionType:
    functools.update_wrapper(wrapper, func)
    return wrapper


def _forget(names: tuple[str, ...]) -> str:
    return " = ".join([*names, "None"]) if names else "pass"


def wrap_callable(func: Callable[..., Any], site: CallSite, flags: int) -> types.FunctionType:
    """Return a traced function of the kind that code `flags` say, that calls `func` with whatever it is given."""
    site.params = ("args", "kwargs") if site.capture_input else ()
    values = "args, kwargs, " if site.capture_input else ""
    factory = _factory(template_for(flags), "*args, **kwargs", "*args, **kwargs", values, "args = kwargs = None")
    return _build(func, site, factory)
