"""What one step does to a volume that a file declares.

An engine that is asked for a volume which exists says yes and changes nothing. So the volume that
it answers with is compared with the one that was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..codec.volumes import read_volume
from ..errors import ApiError, LostError
from ..model import ObservedVolume, VolumeMark
from ..ownership import ours, owner
from ..plan import Step
from .error_check import StepError, failure, look

if TYPE_CHECKING:
    from ..engine import Engine

CHANGED = "changed since the plan was made"


class VolumePerformer:
    """Performs the steps of volumes on one engine, from any number of threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def perform(self, step: Step) -> None:
        """Return once the engine is as `step` wants it; else raise EngineError with the reason."""
        mark = step.mark
        assert isinstance(mark, VolumeMark)
        if step.op == "create":
            self._create(step, mark)
        else:
            self._remove(step, mark)

    def _create(self, step: Step, mark: VolumeMark) -> None:
        """One with this mark that is there already was made by a run that was interrupted."""
        try:
            found: ObservedVolume | None = read_volume(
                self._engine.create_declared_volume(
                    step.volume, step.settings, mark, step.secrets or {}
                )
            )
        except (ApiError, LostError) as error:
            found = look(error, lambda: self._found(step.volume))
            if found is None:
                raise failure(error) from error
        assert found is not None
        if owner(found) != mark.topology or (found.mark and found.mark.hashes != mark.hashes):
            whose = f"belongs to topology {owner(found)!r}" if found.mark else "exists by now"
            raise StepError(f"volume {step.volume} {whose}: {CHANGED}")

    def _remove(self, step: Step, mark: VolumeMark) -> None:
        found = self._found(step.volume)
        if found is None:
            return
        if not ours(found, mark.topology):
            raise StepError(f"it is another volume of that name now: {CHANGED}")
        try:
            self._engine.remove_declared_volume(step.volume)
        except (ApiError, LostError) as error:
            if not look(error, lambda: self._found(step.volume) is None):
                raise failure(error) from error

    def _found(self, name: str) -> ObservedVolume | None:
        raw = self._engine.volume(name)
        return read_volume(raw) if raw else None
