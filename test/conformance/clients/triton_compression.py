"""Compressed requests and answers: L0_data_compression, by tritonclient and by hand."""

import gzip
import itertools
import json
import zlib

import numpy as np
import requests
from harness import case, check, equal
from triton_common import connect, echo, still_alive

ALGORITHMS = ("gzip", "deflate")
COMPRESS = {"gzip": gzip.compress, "deflate": zlib.compress}
MIB = 2**20


def _url(address):
    return f"http://{address}/v2/models/identity_fp32/infer"


def _declare(sent, answered, binary):
    way = f"{sent or 'plain'}_to_{answered or 'plain'}_{'binary' if binary else 'json'}"

    @case(f"compression/{way}")
    def round_trip(address):
        data = np.arange(4096, dtype=np.float32).reshape(4, 1024)
        with connect(address) as client:
            echo(
                client,
                "FP32",
                data,
                binary,
                binary,
                request_compression_algorithm=sent,
                response_compression_algorithm=answered,
            )


for one in itertools.product((None, *ALGORITHMS), (None, *ALGORITHMS), (True, False)):
    if one[:2] != (None, None):
        _declare(*one)


@case("compression/BYTES")
def texts(address):
    data = np.array([["same text"] * 500], object)
    with connect(address) as client:
        for algorithm, binary in itertools.product(ALGORITHMS, (True, False)):
            echo(
                client,
                "BYTES",
                data,
                binary,
                binary,
                request_compression_algorithm=algorithm,
                response_compression_algorithm=algorithm,
            )


def _body(rows):
    entry = {"name": "INPUT0", "datatype": "FP32", "shape": [rows, 8], "data": [1.0] * (rows * 8)}
    return json.dumps({"inputs": [entry]}).encode()


@case("compression/answers_say_so")
def answers_say_so(address):
    """What is asked for is compressed and called by its name; what is not, is plain."""
    for algorithm in ALGORITHMS:
        headers = {"Accept-Encoding": algorithm}
        answer = requests.post(_url(address), _body(100), headers=headers, stream=True, timeout=20)
        equal(answer.headers.get("Content-Encoding"), algorithm)
        raw = answer.raw.read(decode_content=False)
        check(len(raw) < 1000, f"{len(raw)} bytes were sent")
        equal(int(answer.headers["Content-Length"]), len(raw), "length")
        plain = gzip.decompress(raw) if algorithm == "gzip" else zlib.decompress(raw)
        equal(json.loads(plain)["outputs"][0]["shape"], [100, 8])
    identity = {"Accept-Encoding": "identity"}
    answer = requests.post(_url(address), _body(100), headers=identity, timeout=20)
    equal(answer.headers.get("Content-Encoding"), None)


@case("compression/requests_library_defaults")
def library_defaults(address):
    """`requests` offers gzip and deflate by itself and undoes what it gets."""
    answer = requests.post(_url(address), _body(100), timeout=20)
    equal(answer.status_code, 200, answer.text[:200])
    equal(answer.json()["outputs"][0]["data"], [1.0] * 800)


@case("compression/damaged")
def damaged(address):
    """No body of broken compression is answered, and none hurts."""
    whole = gzip.compress(_body(100))
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
    bad = {"cut": whole[:-12], "flipped": flipped, "none": _body(1), "empty": b""}
    for what, body in bad.items():
        for algorithm in ALGORITHMS:
            headers = {"Content-Encoding": algorithm}
            answer = requests.post(_url(address), body, headers=headers, timeout=20)
            check(answer.status_code in (400, 415), f"{what}: {answer.status_code}")
            check("error" in answer.json(), f"{what}: {answer.text}")
    still_alive(address)


@case("compression/unknown_encoding")
def unknown_encoding(address):
    for encoding in ("br", "zstd", "compress", "gzip, deflate"):
        headers = {"Content-Encoding": encoding}
        answer = requests.post(_url(address), _body(1), headers=headers, timeout=20)
        check(answer.status_code in (400, 415), f"{encoding}: {answer.status_code}")
        check("error" in answer.json(), f"{encoding}: {answer.text}")


@case("compression/bomb")
def bomb(address):
    """128 MiB of blanks in 128 KiB: over the limit of a body, and refused before it is unpacked."""
    for algorithm in ALGORITHMS:
        body = COMPRESS[algorithm](b" " * (128 * MIB))
        headers = {"Content-Encoding": algorithm}
        answer = requests.post(_url(address), body, headers=headers, timeout=20)
        equal(answer.status_code, 413, answer.text[:200])
        check("error" in answer.json(), answer.text)
    still_alive(address)


@case("compression/large")
def large(address):
    """8 MiB of whole numbers, which pack to a quarter."""
    _gzipped(address, np.arange(2 * MIB, dtype=np.float32).reshape(1, -1))


@case("compression/large_and_empty")
def large_and_empty(address):
    """8 MiB of zeros are 8 KiB on the wire: Triton looks at what comes out alone."""
    _gzipped(address, np.zeros((1, 2 * MIB), np.float32))


def _gzipped(address, data):
    with connect(address) as client:
        echo(
            client,
            "FP32",
            data,
            request_compression_algorithm="gzip",
            response_compression_algorithm="gzip",
        )
