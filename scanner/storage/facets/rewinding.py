"""Going back to a checkpoint, pass by pass, and forward again.

All passes are locked first, then the state now is saved as an automatic checkpoint. Each pass that differs then
journals what is current from now on, before any file moves: whatever cuts the rest off, recovery finishes it, and doing
the whole again leads to the same. No file is deleted and none overwritten: photos that are no longer current lie in
``.superseded/<place>/``, from where going forward brings them back, each verified by its hash before it counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeVar

from scanner.clock import utc_text
from scanner.errors import DamagedError
from scanner.model import PhotoName, SessionId
from scanner.states import PassState
from scanner.storage.directory.marks import mark_pass, next_automatic, write_mark
from scanner.storage.directory.moves import Moves, put_away
from scanner.storage.directory.recovery import hash_file
from scanner.storage.directory.views import pass_names
from scanner.storage.disk.layout import PassPaths, SessionPaths
from scanner.storage.facets.holding import HeldPass, Holding
from scanner.storage.facets.workshop import Workshop
from scanner.storage.journal import lines
from scanner.storage.journal.documents import CheckpointFile, MarkedPass, MarkedPhoto

_BATCH: Final = 25  # files moved between two looks at who else waits for the disk

Step = TypeVar("Step")
Standing = Literal["planned", "paused", "completed", "cancelled", "failed"]
_STANDING: Final[dict[PassState, Standing]] = {
    PassState.PLANNED: "planned",
    PassState.RUNNING: "paused",
    PassState.PAUSED: "paused",
    PassState.COMPLETED: "completed",
    PassState.CANCELLED: "cancelled",
    PassState.FAILED: "failed",
}


@dataclass(slots=True, kw_only=True)
class Rewind:
    """One restore of a session to ``mark``, under its lock. ``notes``: what was found, a sentence each."""

    shop: Workshop
    session_id: SessionId
    mark: CheckpointFile
    origin: str
    notes: list[str] = field(default_factory=list)
    holding: Holding = field(init=False)

    def __post_init__(self) -> None:
        self.holding = Holding(self.shop.keeper, self.session_id, self.origin)

    async def run(self) -> CheckpointFile:
        """Restore; the automatic checkpoint made before. Errors: PassLockedError, LockLostError, StorageError."""
        holding = self.holding
        try:
            await self._take_all(holding)
            before = await self._step(lambda: self._save(holding))
            for held in holding.passes.values():
                await self._restore(held)
        finally:
            await self._step(holding.release)
        return before

    async def _take_all(self, holding: Holding) -> None:
        present = pass_names(self._paths)
        for name in present:
            try:
                await self._step(partial(holding.take, name))
            except DamagedError as error:
                self.notes.append(f"pass {name} stays as it is: {error.message}")
        self.notes += [
            f"pass {marked.name} is missing; its {len(marked.saved)} photos cannot be restored"
            for marked in self.mark.passes
            if marked.name not in present
        ]

    def _save(self, holding: Holding) -> CheckpointFile:
        premises = self.shop.keeper.premises
        before = CheckpointFile(
            session_id=self.session_id,
            name=next_automatic(self._paths),
            created_at=utc_text(premises.clock.now()),
            origin=self.origin,
            automatic=True,
            passes=tuple(mark_pass(held.name, held.fold.progress()) for held in holding.passes.values()),
            left_out=tuple(name for name in pass_names(self._paths) if name not in holding.passes),
        )
        write_mark(premises.files, self._paths, before)
        for held in holding.passes.values():
            held.append(lines.Marked(name=before.name))
        return before

    async def _restore(self, held: HeldPass) -> None:
        if held.name in self.mark.left_out:
            self.notes.append(f"pass {held.name} stays as it is: the checkpoint does not tell of it")
            return
        marked = next((marked for marked in self.mark.passes if marked.name == held.name), None)
        there = await self._still_there(held, marked)
        fact = self._fact(held, marked, there)
        if _is_so(held, fact):
            return
        await self._step(lambda: held.append(fact))
        moves = await self._step(lambda: self._moves(held))
        while not await self._step(lambda: moves.some(_BATCH)):
            continue  # between two batches the writer thread does what others have given it
        await self._step(moves.settle)

    async def _still_there(self, held: HeldPass, marked: MarkedPass | None) -> dict[int, PhotoName]:
        """The marked photos that can be current: those that are, and those whose files are whole, wherever they lie."""
        paths, fold = self._paths.pass_(held.name), held.fold
        current = {photo.name for photo in fold.saved.values()}
        kept = await self._step(lambda: put_away(paths))
        there: dict[int, PhotoName] = {}
        for photo in marked.saved if marked else ():
            known = fold.photos.get(photo.file)
            agreed = known is not None and (known.shot, known.sha256) == (photo.shot, photo.sha256)
            if agreed and (photo.file in current or await self._is_whole(paths, kept, photo)):
                there[photo.shot] = photo.file
            else:
                self.notes.append(f"photo {photo.file} no longer exists; its shot is planned again")
        return there

    async def _is_whole(self, paths: PassPaths, kept: dict[str, Path], photo: MarkedPhoto) -> bool:
        path = kept.get(photo.file, paths.images / photo.file)
        return await self.shop.place.threads.pool.run(lambda: _has_hash(path, photo.sha256))

    def _fact(self, held: HeldPass, marked: MarkedPass | None, there: dict[int, PhotoName]) -> lines.Restored:
        state: Standing = "planned"
        if marked is not None:
            state = _STANDING[marked.state]
            if len(there) < len(marked.saved):
                state = "paused"
        return lines.Restored(
            checkpoint=self.mark.name,
            state=state,
            saved=there,
            skipped={skip.shot: skip.reason for skip in marked.skipped} if marked else {},
            place=held.fold.places + 1,
            worked_s=marked.worked_s if marked else 0.0,
        )

    def _moves(self, held: HeldPass) -> Moves:
        files = self.shop.keeper.premises.files
        return Moves(files, self._paths.pass_(held.name), held.document, held.fold, held.journal)

    @property
    def _paths(self) -> SessionPaths:
        return self.shop.paths(self.session_id)

    async def _step(self, work: Callable[[], Step]) -> Step:
        return await self.shop.writing(f"session {self.session_id} could not be restored", work)


def _is_so(held: HeldPass, fact: lines.Restored) -> bool:
    """Whether the pass is already as the line would make it."""
    fold = held.fold
    saved = {shot: photo.name for shot, photo in fold.saved.items()}
    return (fold.state.value, saved, fold.skipped) == (fact.state, fact.saved, fact.skipped)


def _has_hash(path: Path, sha256: str) -> bool:
    try:
        return hash_file(path) == sha256
    except OSError:
        return False
