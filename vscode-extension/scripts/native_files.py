"""Which of VS Code's platforms a compiled file runs on, as its first bytes say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

ELF, MACH_O, UNIVERSAL, PE = b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ"
SUFFIXES = (".so", ".pyd", ".dll", ".dylib", ".exe")

OF_ELF = {62: "x64", 183: "arm64"}
"""`e_machine` (https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html)."""
OF_MACH_O = {0x01000007: "x64", 0x0100000C: "arm64"}
"""`cputype` of mach/machine.h."""
OF_PE = {0x8664: "x64", 0xAA64: "arm64"}
"""`Machine` (https://learn.microsoft.com/windows/win32/debug/pe-format#machine-types)."""

LIBCS = {"linux": b"\0libc.so.6\0", "alpine": b"\0libc.musl-"}
"""What a file links that needs this C library; one that links neither runs with both."""


def is_native(name: str, content: bytes) -> bool:
    """Say whether a file is compiled, by its name or by what it holds."""
    return name.endswith(SUFFIXES) or content.startswith((ELF, MACH_O))


def targets_of(content: bytes) -> set[str]:
    """Name the platforms that it runs on, as `vsce` names them; none: it is for another, or not compiled."""
    return {f"{system}-{cpu}" for system, cpu in _targets_of(content) if cpu is not None}


def _targets_of(content: bytes) -> Iterator[tuple[str, str | None]]:
    if content.startswith(ELF):
        others = {system for system, mark in LIBCS.items() if mark in content}
        yield from product(others or LIBCS, [OF_ELF.get(_number(content, 18, 2))])
    elif content.startswith(MACH_O):
        yield "darwin", OF_MACH_O.get(_number(content, 4))
    elif content.startswith(UNIVERSAL):
        starts = range(8, 8 + 20 * min(_number(content, 4, order="big"), 10), 20)
        yield from (("darwin", OF_MACH_O.get(_number(content, start, order="big"))) for start in starts)
    elif content.startswith(PE):
        yield "win32", OF_PE.get(_number(content, _number(content, 0x3C) + 4, 2))


def _number(content: bytes, at: int, size: int = 4, *, order: str = "little") -> int:
    return int.from_bytes(content[at : at + size], "big" if order == "big" else "little")
