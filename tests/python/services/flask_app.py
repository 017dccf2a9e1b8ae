"""The dataset API in Flask, for gunicorn's sync workers: each serves one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, jsonify, request

from services import store

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

app = Flask(__name__)


@app.get("/create-dataset")
def create_dataset() -> ResponseReturnValue:
    return jsonify(dataset_id=store.DATASET)


@app.post("/list-dataset-files")
def list_dataset_files() -> ResponseReturnValue:
    return jsonify(files=store.names())


@app.post("/upload-to-dataset")
def upload_to_dataset() -> ResponseReturnValue:
    file = request.files["file"]
    if request.form["dataset_id"] != store.DATASET:
        return jsonify(error="no such dataset"), 404
    file_id = store.add(file.filename or "", file.stream)
    if file_id is None:
        return jsonify(error="File with this name already exists in the dataset"), 400
    return jsonify(file_id=file_id)
