"""Open input files and write output files: regular files only, never through a link, never half.

Outputs are written to a temporary file beside the target, which is created exclusively, flushed to
disk and renamed over the target. A failure removes the temporary file and leaves the old target.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gpc_ros.common.errors import InputError

# Prefix of temporary files; the rest names the target, the host and the process.
_PREFIX = ".gpc-"
_MENDABLE = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG,
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.EIO, errno.EFBIG,
    errno.EINVAL, errno.EMFILE,
}  # fmt: skip
_KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFLNK: "a link",
}  # fmt: skip


def open_input(path: Path) -> BinaryIO:
    """Open a regular file for reading.

    A FIFO or a device is rejected before anything is read: it could block or never end.

    Raises:
        OSError: the file is missing, cannot be read or is not a regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except ValueError:  # a NUL character in the name
        raise OSError(errno.EINVAL, "its name contains a NUL character") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, f"it is {_kind(mode)}, not a file")
        os.set_blocking(descriptor, True)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_input(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes.

    Raises:
        OSError: the file cannot be read, is not a regular file or is larger than the limit.
    """
    with open_input(path) as stream:
        if os.fstat(stream.fileno()).st_size > limit:
            raise OSError(errno.EFBIG, f"it is larger than {size_text(limit)}")
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {size_text(limit)}")
    return content


def size_text(size: float) -> str:
    """Return a number of bytes for people, such as ``16 MB``."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open an output file for writing; the target appears whole at the end or not at all.

    Args:
        path: the target; an old regular file is replaced.

    Raises:
        OSError: the target is a link, a folder or a device, or the disk is full.
    """
    path = Path(path)
    with _named(path):
        _prepare(path)
        beside = _temporary(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(beside, flags, 0o666)
    try:
        with _named(path), os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def new_path(path: Path) -> Iterator[Path]:
    """Yield a path for a program that writes the output itself; as :func:`new_file` otherwise.

    The path lies in a private temporary folder and ends as the target does. Nothing is renamed if
    the program wrote no bytes.

    Raises:
        OSError: the target cannot be written, or the program wrote nothing.
    """
    path = Path(path)
    with _named(path):
        _prepare(path)
        folder = _temporary(path)
        folder.mkdir(mode=0o700)
    try:
        made = folder / f"new{path.suffix[:16]}"
        yield made
        with _named(path):
            if not made.is_file() or made.stat().st_size == 0:
                raise OSError(errno.EIO, "nothing was written (a full disk?)")
            with made.open("rb") as stream:
                os.fsync(stream.fileno())
            made.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_atomic(path: Path, content: bytes | str) -> None:
    """Replace a file's content so that a reader sees the old or the new one, never a part.

    Raises:
        OSError: the folder cannot be written, the disk is full or the target is not a regular
            file; an old file is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    with new_file(path) as stream:
        stream.write(data)


def make_folder(path: Path) -> None:
    """Create a folder for outputs, with its parents.

    Raises:
        OSError: it is a link or a file, or cannot be created.
    """
    _check_name(path)
    if path.is_symlink():
        raise OSError(errno.ELOOP, f"{path.name} is a link, and outputs are not written through it")
    path.mkdir(parents=True, exist_ok=True)


@contextmanager
def exclusive(target: Path, writer: str, folder: bool = False) -> Iterator[None]:
    """Hold the lock of an output, so that two processes do not overwrite each other's results.

    The lock is a file ``.NAME.lock`` beside a target file or in a target folder. The kernel
    releases it when the process ends, however it ends.

    Args:
        target: file or folder of the output.
        writer: the command for the message, such as ``gpc evaluate``.
        folder: the target is a folder; it is created.

    Raises:
        InputError: another process writes this output, or the lock cannot be created.
    """
    try:
        resolved = target.resolve()
        home = resolved if folder else resolved.parent
        path = home / f".{_short(resolved.name)}.lock"
        home.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(path)
    except BlockingIOError:
        raise InputError(
            f"{target}: another {writer} writes it ({_owner(path)}); wait until it ends or choose "
            "another --out"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{target}: cannot be locked ({_reason(error)})") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while the lock is held: the next process makes a new file
        os.close(descriptor)


def _locked(path: Path) -> int:
    """Return the descriptor of a locked file; raise BlockingIOError if another one holds it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The holder may have removed the file between open and flock.
            with contextlib.suppress(FileNotFoundError):
                if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
                    text = f"process {os.getpid()} on {socket.gethostname()}"
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, text.encode("utf-8", "replace"))
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _owner(path: Path) -> str:
    try:
        return read_input(path, 1000).decode("utf-8", "replace") or "process unknown"
    except OSError:
        return "process unknown"


def mendable(error: OSError) -> str:
    """Return a sentence for an error of the file system that a user can mend; else empty."""
    if error.errno not in _MENDABLE:
        return ""
    name = f"{error.filename}: " if error.filename else ""
    return f"{name}{error.strerror or type(error).__name__}"


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let errors of the file system name the target, not the temporary file."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None


def _prepare(path: Path) -> None:
    """Create the folder of a target and check that the target can be replaced."""
    _check_name(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if not stat.S_ISREG(mode):
        raise OSError(
            errno.EEXIST,
            f"{path.name or path} is {_kind(mode)}, and only files are replaced; remove it or "
            "choose another name",
        )
    _remove_leftovers(path)


def _check_name(path: Path) -> None:
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "its name contains a NUL character")


def _temporary(path: Path) -> Path:
    name = f"{_leftover_prefix(path)}{os.getpid()}-{secrets.token_hex(4)}"
    return path.with_name(name)


def _leftover_prefix(path: Path) -> str:
    """Return the beginning of the names of this host's temporary files of a target."""
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]
    host = hashlib.sha256(socket.gethostname().encode("utf-8", "replace")).hexdigest()[:6]
    return f"{_PREFIX}{name}-{host}-"


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files of killed processes of this host."""
    prefix = _leftover_prefix(path)
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if not entry.name.startswith(prefix):
                continue
            number = entry.name.removeprefix(prefix).partition("-")[0]
            if number.isdecimal() and len(number) < 10 and not _alive(int(number)):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _short(name: str) -> str:
    """Return a name that leaves room for a prefix and a suffix in a file system's 255 bytes."""
    data = os.fsencode(name)
    return name if len(data) <= 200 else hashlib.sha256(data).hexdigest()


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "not a regular file")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
