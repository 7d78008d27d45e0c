"""The keys outside the database, and the data keys they wrap.

A key-encryption key (KEK) lives in a file or the environment. It wraps data keys (DEK), one for
each consult and person, which are stored in the database. Rotation re-wraps the data keys and
touches no text; destroying a data key erases everything under it.
"""

import base64
import binascii
import hashlib
import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from storage.errors import KeyTrouble

KEY_BYTES = 32
NONCE_BYTES = 12
KEK_ID_BYTES = 4
CACHE_SIZE = 4096
CACHE_SECONDS = 600.0
"""How long an unwrapped data key is kept: another replica may have destroyed it meanwhile."""

SIV, GCM = b"\x01", b"\x02"
"""First byte of every ciphertext: AES-256-GCM-SIV, or AES-256-GCM where OpenSSL is older than 3.2."""

Cipher = AESGCMSIV | AESGCM


def ciphers_of(key: bytes) -> dict[bytes, Cipher]:
    """Return the ciphers this OpenSSL has for ``key``, the preferred one first."""
    try:
        return {SIV: AESGCMSIV(key), GCM: AESGCM(key)}
    except UnsupportedAlgorithm:  # pragma: no cover - OpenSSL older than 3.2
        return {GCM: AESGCM(key)}


def derive(key: bytes, purpose: str) -> bytes:
    """Return the 32-byte subkey of ``key`` for ``purpose`` (HKDF-Expand, SHA-256)."""
    return HKDFExpand(SHA256(), KEY_BYTES, purpose.encode()).derive(key)


class DataKey:
    """An unwrapped data key: seals, unseals, and gives subkeys. Its bytes are never printed."""

    __slots__ = ("_ciphers", "_key", "_preferred", "_subkeys")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._ciphers = ciphers_of(key)
        self._preferred = next(iter(self._ciphers))
        self._subkeys: dict[str, bytes] = {}

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        """Return version, nonce and ciphertext of ``plain``, readable only with ``bound_to``."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._preferred].encrypt(nonce, plain, bound_to)
        return self._preferred + nonce + sealed

    def unseal(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Return what was sealed; InvalidTag when altered, truncated or bound to something else."""
        cipher = self._ciphers.get(sealed[:1])
        if cipher is None or len(sealed) <= NONCE_BYTES:
            raise InvalidTag
        return cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], bound_to)

    def subkey(self, purpose: str) -> bytes:
        """Return the 32-byte key derived from this one for ``purpose``, a name in our code."""
        if purpose not in self._subkeys:
            self._subkeys[purpose] = derive(self._key, purpose)
        return self._subkeys[purpose]


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as the database holds it."""

    id: UUID
    scope: str
    wrapped: bytes
    kek_id: str


class Keyring:
    """The key-encryption keys, newest first, and a bounded memory of unwrapped data keys."""

    def __init__(self, keks: Sequence[bytes], cache_size: int = CACHE_SIZE) -> None:
        for kek in keks:
            _refuse_weak(kek)
        if not keks:
            raise KeyTrouble("There is no key. Set the keys file, or create one for a local demo.")
        self._material = tuple(keks)
        self._keks = {kek_id(kek): DataKey(kek) for kek in keks}
        self.newest = kek_id(keks[0])
        self.system: dict[str, UUID] = {}
        self._cache: OrderedDict[UUID, tuple[float, DataKey]] = OrderedDict()
        self._cache_size = cache_size
        self._lock = threading.Lock()

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return the keyring of ``text``: one base64 key a line, newest first, ``#`` for comments.

        >>> Keyring.of_text("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").newest
        '5e1bd5d8'
        """
        lines = [line.split("#")[0].strip() for line in text.replace(",", "\n").splitlines()]
        return cls([_decoded(line) for line in lines if line])

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Return the keyring in the file at ``path``."""
        try:
            text = path.read_text("ascii")
        except FileNotFoundError:
            raise KeyTrouble(f"The keys file {path} does not exist. Restore it.") from None
        except (OSError, UnicodeDecodeError):
            raise KeyTrouble(f"The keys file {path} cannot be read.") from None
        return cls.of_text(text)

    def for_database(self) -> "Keyring":
        """Return the same keys with an empty memory: each open database has its own."""
        return Keyring(self._material, self._cache_size)

    def wrap_new(self, key_id: UUID, scope: str) -> WrappedKey:
        """Return a fresh data key, wrapped by the newest KEK, and remember it unwrapped."""
        return self._wrap(secrets.token_bytes(KEY_BYTES), key_id, scope)

    def rewrap(self, stored: WrappedKey) -> WrappedKey:
        """Return the same data key wrapped by the newest KEK."""
        return self._wrap(self._open(stored), stored.id, stored.scope)

    def unwrap(self, stored: WrappedKey, at: float) -> DataKey:
        """Return the data key in ``stored`` and remember it from ``at`` (seconds) on."""
        return self._remember(stored.id, DataKey(self._open(stored)), at)

    def known(self, key_id: UUID, at: float) -> DataKey | None:
        """Return a remembered data key, or None when it has to be loaded."""
        with self._lock:
            since, key = self._cache.get(key_id, (float("-inf"), None))
            if key is None or abs(at - since) > CACHE_SECONDS:
                return None
            self._cache.move_to_end(key_id)
            return key

    def forget(self, key_id: UUID) -> None:
        with self._lock:
            self._cache.pop(key_id, None)

    def _wrap(self, key: bytes, key_id: UUID, scope: str) -> WrappedKey:
        sealed = self._keks[self.newest].seal(key, _wrap_binding(key_id, scope))
        header = sealed[:1] + bytes.fromhex(self.newest)
        return WrappedKey(key_id, scope, header + sealed[1:], self.newest)

    def _open(self, stored: WrappedKey) -> bytes:
        kek = self._keks.get(stored.kek_id)
        if kek is None:
            raise KeyTrouble(
                f"Data key {stored.id} is wrapped by key {stored.kek_id}, which is not in the keys "
                "file. Put that key back (older keys follow the newest, one a line)."
            )
        sealed = stored.wrapped[:1] + stored.wrapped[1 + KEK_ID_BYTES :]
        try:
            return kek.unseal(sealed, _wrap_binding(stored.id, stored.scope))
        except InvalidTag:
            raise KeyTrouble(f"Data key {stored.id} was altered or swapped.") from None

    def _remember(self, key_id: UUID, key: DataKey, at: float) -> DataKey:
        with self._lock:
            self._cache[key_id] = (at, key)
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)
        return key


def kek_id(kek: bytes) -> str:
    """Return the public name of a KEK: 8 hexadecimal digits of its hash."""
    return hashlib.sha256(b"curbside kek" + kek).digest()[:KEK_ID_BYTES].hex()


def new_key_line() -> str:
    """Return one fresh key as a line of the keys file."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def create_key_file(path: Path) -> None:
    """Create a keys file with one fresh key, mode 0600; an existing file is left as it is."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise KeyTrouble(f"The keys file {path} cannot be created: {error.strerror}.") from None
    with os.fdopen(handle, "w") as file:
        file.write(new_key_line() + "\n")
        file.flush()
        os.fsync(file.fileno())


def add_key(path: Path) -> None:
    """Put a fresh key before the others in the keys file, in one atomic step."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(new_key_line() + "\n" + path.read_text("ascii"))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _wrap_binding(key_id: UUID, scope: str) -> bytes:
    return f"data_key|wrapped|{key_id}|{scope}".encode()


def _decoded(line: str) -> bytes:
    try:
        return base64.b64decode(line, validate=True)
    except binascii.Error:
        raise KeyTrouble(
            "A line of the keys is not base64. Each line is one 32-byte key."
        ) from None


def _refuse_weak(kek: bytes) -> None:
    if len(kek) != KEY_BYTES:
        raise KeyTrouble(f"A key has {len(kek)} bytes; each must have {KEY_BYTES}.")
    if len(set(kek)) == 1 and kek[0] == 0:
        raise KeyTrouble("A key is all zeros. Make a real one.")
