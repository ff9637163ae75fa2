"""A look through the metadata of a zarr folder before any library opens it: only known, harmless codecs."""

from __future__ import annotations

import json
import math
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from glasscell.data.guard_size import check_declared, check_fits
from glasscell.errors import DataError

# Each of these turns bytes into numbers or text. A codec not listed (pickle!) may run code when it reads.
CODECS = frozenset(
    {
        "adler32", "astype", "bitround", "blosc", "bytes", "bz2", "categorize", "crc32", "crc32c", "deflate",
        "delta", "endian", "fixedscaleoffset", "fletcher32", "gzip", "jenkins_lookup3", "json2", "lz4", "lzf",
        "lzma", "packbits", "quantize", "sharding_indexed", "shuffle", "string", "transpose", "vlen-bytes",
        "vlen-utf8", "zlib", "zstd",
    }
)  # fmt: skip
_METADATA = (".zarray", ".zgroup", ".zattrs", ".zmetadata", "zmetadata", "zarr.json")
_LARGEST_METADATA = 256 << 20
_WIDTH = re.compile(r"(\d+)$")


def read_json(path: Path) -> Any:
    """Read one metadata document.

    Raises
    ------
    DataError
        It is not JSON, or absurdly large.
    """
    try:
        if path.stat().st_size > _LARGEST_METADATA:
            raise DataError(f"{path.name} of {path.parent.name!r} is too large to be zarr metadata.")
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        place = f"{path.parent.name}/{path.name}"
        raise DataError(f"The zarr metadata {place!r} cannot be read: it is damaged or cut short.") from error


def check_zarr(root: Path) -> None:
    """Walk every metadata document below a folder, as JSON, and refuse codecs that are not known.

    Parameters
    ----------
    root
        A zarr folder, format 2 or 3.

    Raises
    ------
    DataError
        A codec is unknown (such as pickle, which runs code), metadata are damaged, or sizes are not credible.
    """
    in_memory = 0
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        _refuse_links_outside(root, here, [*folders, *files])
        for name in _METADATA:
            if name not in files:
                continue
            document = read_json(here / name)
            for array in _arrays(document, str(here.relative_to(root))):
                _check_codecs(array, here.name)
            if name in (".zarray", "zarr.json") and isinstance(document, Mapping) and "shape" in document:
                declared = _check_sizes(document, here)
                if "images" not in here.parts and "labels" not in here.parts:
                    in_memory += declared
    check_fits(in_memory)


def check_zarr_zip(path: Path) -> None:
    """Look through the metadata of a zarr store in a zip archive, as `check_zarr` does in a folder.

    Raises
    ------
    DataError
        It is not a zip archive, a codec is unknown, or metadata are damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if Path(entry.filename).name not in _METADATA:
                    continue
                if entry.file_size > _LARGEST_METADATA:
                    raise DataError(f"{entry.filename} of {path.name} is too large to be zarr metadata.")
                document = json.loads(archive.read(entry))
                for array in _arrays(document, entry.filename):
                    _check_codecs(array, entry.filename)
    except (OSError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        raise DataError(f"{path.name} is damaged or cut short. Copy or download it again.") from error


def _refuse_links_outside(root: Path, here: Path, names: list[str]) -> None:
    """Refuse links that leave the folder: what they lead to has not been looked through."""
    for name in names:
        place = here / name
        if place.is_symlink() and not place.resolve().is_relative_to(root.resolve()):
            raise DataError(
                f"{name!r} is a link to outside of {root.name!r}; replace it by what it leads to."
            )


def _arrays(document: Any, where: str, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Find every array description in a document, those of consolidated metadata included."""
    if depth > 32:
        raise DataError(f"The zarr metadata of {where!r} are nested too deeply; this is not a data file.")
    if isinstance(document, Mapping):
        if "codecs" in document or "compressor" in document or "filters" in document:
            yield document
        for key, value in document.items():
            if key != "attributes" and not str(key).endswith(".zattrs"):
                yield from _arrays(value, where, depth + 1)


def _codec_names(codecs: Any) -> Iterator[str]:
    if isinstance(codecs, Mapping):
        codecs = [codecs]
    for codec in codecs or ():
        if not isinstance(codec, Mapping):
            yield str(codec)
            continue
        yield str(codec.get("id", codec.get("name", "?")))
        inner = codec.get("configuration", {})
        if isinstance(inner, Mapping):
            for key in ("codecs", "index_codecs"):
                yield from _codec_names(inner.get(key))


def _check_codecs(array: Mapping[str, Any], name: str) -> None:
    for key in ("codecs", "compressor", "filters"):
        for codec in _codec_names(array.get(key)):
            if codec.removeprefix("numcodecs.") not in CODECS:
                raise DataError(
                    f"The array {name!r} is stored with the codec {codec!r}, which Glasscell does not open "
                    "(some codecs run code when read); save it again with blosc, zstd or gzip."
                )


def _check_sizes(document: Mapping[str, Any], here: Path) -> int:
    shape = document["shape"]
    if not isinstance(shape, list) or not all(isinstance(n, int) and 0 <= n < 1 << 53 for n in shape):
        raise DataError(f"The array {here.name!r} declares the shape {str(shape)[:60]}, which cannot be.")
    kind = document.get("dtype", document.get("data_type", ""))
    width = _WIDTH.search(kind) if isinstance(kind, str) else None
    digits = int(width.group(1)) if width else 1
    itemsize = digits if "dtype" in document else max(1, digits // 8)
    declared = math.prod(shape) * itemsize
    if declared > 1 << 30:
        stored = sum(file.stat().st_size for file in here.rglob("*") if file.is_file())
        check_declared(here.name, declared, stored)
    return declared


def root_attributes(root: Path) -> Mapping[str, Any]:
    """Attributes of the outermost group, of either format; empty when there are none."""
    for name, inside in (("zarr.json", "attributes"), (".zattrs", None)):
        file = root / name
        if file.is_file():
            document = read_json(file)
            found = document.get(inside, {}) if inside and isinstance(document, Mapping) else document
            return found if isinstance(found, Mapping) else {}
    return {}


def is_zarr(root: Path) -> bool:
    """Whether a folder is a zarr store of either format."""
    return any((root / name).is_file() for name in ("zarr.json", ".zgroup", ".zmetadata"))
