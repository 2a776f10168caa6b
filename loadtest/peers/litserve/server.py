"""LitServe: one inference worker and one server of the API a core."""

from __future__ import annotations

import os

import litserve
import tokens
from fastapi import HTTPException, Request, Response
from flights import Flights, answer, dumps


class Api(litserve.LitAPI):
    """One flight at a time: batches wait for more than the model takes."""

    def setup(self, device: str) -> None:
        """Loads the model in each worker."""
        self.flights = Flights()

    def authorize(self, request: Request) -> None:
        """Refuses who proves nothing."""
        if not tokens.is_good(request.headers.get("authorization", "")):
            raise HTTPException(401)

    def decode_request(self, request: dict[str, list[float]]) -> list[float]:
        """The row."""
        return request["array"]

    def predict(self, row: list[float]) -> int:
        """Its class."""
        return self.flights.predict(row)

    def encode_response(self, label: int) -> Response:
        """The challenge's answer."""
        return Response(dumps(answer(label)), media_type="application/json")


if __name__ == "__main__":
    cores = os.cpu_count() or 1
    server = litserve.LitServer(Api(api_path="/api"), accelerator="cpu", workers_per_device=cores)
    server.run(port=int(os.environ["SERVER_PORT"]), num_api_servers=cores, generate_client_file=False)
