"""mosec: one worker process a core behind its server in Rust. It checks no credentials."""

from __future__ import annotations

import os
from typing import Any

from flights import Flights, answer, dumps
from mosec import Runtime, Server, Worker


class Flight(Worker):
    """One flight at a time."""

    def __init__(self) -> None:
        """Loads the model in each worker."""
        super().__init__()
        self.flights = Flights()

    def forward(self, data: dict[str, list[float]]) -> dict[str, list[int]]:
        """One flight."""
        return answer(self.flights.predict(data["array"]))

    def serialize(self, data: Any) -> bytes:
        """Without spaces: answers are compared byte for byte."""
        return dumps(data)


if __name__ == "__main__":
    server = Server()
    server.register_runtime({"/api": [Runtime(Flight, num=os.cpu_count() or 1)]})
    server.run()
