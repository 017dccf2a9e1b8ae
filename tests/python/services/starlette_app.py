"""The dataset API in Starlette, for uvicorn."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse
from starlette.routing import Route

from services import store

if TYPE_CHECKING:
    from starlette.requests import Request


async def create_dataset(_request: Request) -> JSONResponse:
    return JSONResponse({"dataset_id": store.DATASET})


async def list_dataset_files(_request: Request) -> JSONResponse:
    return JSONResponse({"files": store.names()})


async def upload_to_dataset(request: Request) -> JSONResponse:
    async with request.form() as form:
        file = form["file"]
        if not isinstance(file, UploadFile) or form["dataset_id"] != store.DATASET:
            return JSONResponse({"error": "file and dataset_id are needed"}, 400)
        if not store.names():
            await asyncio.sleep(float(os.environ.get("FIRST_FILE_SECONDS", "0")))
        file_id = store.add(file.filename or "", file.file)
    if file_id is None:
        return JSONResponse({"error": "File with this name already exists in the dataset"}, 400)
    return JSONResponse({"file_id": file_id})


app = Starlette(
    routes=[
        Route("/create-dataset", create_dataset),
        Route("/list-dataset-files", list_dataset_files, methods=["POST"]),
        Route("/upload-to-dataset", upload_to_dataset, methods=["POST"]),
    ]
)
