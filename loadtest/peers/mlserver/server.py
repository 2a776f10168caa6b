"""MLServer with a model of one's own: one parallel worker a core, as its settings advise. It checks no credentials."""

# No `from __future__ import annotations`: MLServer hands the handler to FastAPI where the names are not to be had.
from typing import Annotated

from fastapi import Body
from flights import Flights, answer
from mlserver import MLModel
from mlserver.handlers import custom_handler


class FlightsModel(MLModel):
    """One flight at a time."""

    async def load(self) -> bool:
        """Loads the model in each worker."""
        self.flights = Flights()
        return True

    @custom_handler(rest_path="/api")
    async def api(self, array: Annotated[list[float], Body(embed=True)]) -> dict[str, list[int]]:
        """The challenge's route beside MLServer's own."""
        return answer(self.flights.predict(array))
