"""The usual way to serve a model: FastAPI, onnxruntime, uvicorn (uvloop, httptools), one process.

usage: MODEL=path/to/model.onnx uvicorn app:app --no-access-log
"""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(
    os.environ["MODEL"], options, providers=["CPUExecutionProvider"]
)
app = FastAPI()


class Request(BaseModel):
    features: list[float]


class Prediction(BaseModel):
    score: float
    prediction: int


@app.get("/readyz")
async def ready() -> dict:
    return {"ready": True}


@app.post("/predict")
async def predict(request: Request) -> Prediction:
    row = np.asarray([request.features], dtype=np.float32)
    score = float(session.run(["score"], {"input": row})[0][0, 0])
    return Prediction(score=score, prediction=int(score >= 0.5))
