"""The shared library: where it is, and how its errors become exceptions."""

import ctypes
import json
import os
import weakref
from ctypes import byref, c_char_p, c_size_t, c_void_p
from pathlib import Path
from typing import Any, Callable

from . import _prototypes as c
from ._numbers import Status


def _load() -> ctypes.CDLL:
    """The library that XLAT_LIBRARY names, else the one in this package, else the system's."""
    named = os.environ.get("XLAT_LIBRARY")
    beside = Path(__file__).parent / "libxlat.so"
    library = ctypes.CDLL(named or (str(beside) if beside.exists() else "libxlat.so.0"))
    c.declare(library)
    return library


lib = _load()


class Error(Exception):
    """A call that the library refused: `status` says why, the text says more."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status: Status | int = Status(status) if status in Status._value2member_map_ else status


def last_error() -> str:
    """The text of the last failure on this thread."""
    buffer = ctypes.create_string_buffer(1024)
    lib.xlat_last_error(buffer, len(buffer), None)
    return buffer.value.decode(errors="replace")


def check(status: int) -> None:
    """Raises the library's error, if there is one."""
    if status != c.XLAT_OK:
        raise Error(status, last_error())


def new_struct(kind: Any) -> Any:
    """A struct of the header: zero, with its size."""
    value = kind()
    value.struct_size = ctypes.sizeof(kind)
    return value


def text_of(call: Callable[..., int], *arguments: Any) -> str:
    """The text that a function writes into a buffer. It may grow between two calls."""
    size = 1 << 14
    while True:
        buffer = ctypes.create_string_buffer(size)
        needed = c_size_t()
        status = call(*arguments, buffer, size, byref(needed))
        if status != c.XLAT_ERROR_BUFFER:
            check(status)
            return buffer.value.decode(errors="replace")
        size = needed.value


def version() -> str:
    """The version of the library."""
    return (lib.xlat_version() or b"").decode()


def features() -> dict[str, Any]:
    """What the library can do."""
    found = json.loads(text_of(lib.xlat_features))
    assert isinstance(found, dict)
    return found


class Managed:
    """An object with a handle: freed by `close`, at the end of a `with`, or when it is collected."""

    _handle: c_void_p
    _finalizer: "weakref.finalize[[Any], Managed]"

    def _own(self, handle: c_void_p, free: Callable[[c_void_p], int]) -> None:
        self._handle = handle
        self._finalizer = weakref.finalize(self, free, handle)

    @property
    def handle(self) -> c_void_p:
        """The handle, for the functions of the library."""
        if not self._finalizer.alive:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._handle

    @property
    def closed(self) -> bool:
        """Whether it is."""
        return not self._finalizer.alive

    def close(self) -> None:
        """Frees the object. Doing it twice is doing it once. Fails while it is in use by another thread."""
        if self._finalizer.alive:
            detached = self._finalizer.detach()
            status = lib_free(detached)
            if status != c.XLAT_OK:
                # It lives on: so does the finalizer.
                assert detached is not None
                self._own(self._handle, detached[1])
                check(status)


def lib_free(detached: Any) -> int:
    """Calls what a finalizer would have called."""
    _, free, arguments, _ = detached
    return int(free(*arguments))


__all__ = ["Error", "Managed", "Status", "c_char_p", "check", "features", "lib", "new_struct", "text_of", "version"]
