"""Cases of a client's program: how they are declared, run and reported."""

import json
import sys
import traceback

_CASES = {}


def case(name):
    """Declares a case: a function of the gateway's `host:port` that raises when it fails."""

    def declare(function):
        if name in _CASES:
            raise ValueError(f"two cases are called {name}")
        _CASES[name] = function
        return function

    return declare


def check(condition, detail):
    if not condition:
        raise AssertionError(detail)


def equal(got, wanted, what="value"):
    check(got == wanted, f"{what}: got {got!r}, wanted {wanted!r}")


def contains(text, part):
    check(part in text, f"{text!r} does not contain {part!r}")


def raises(kind, function):
    """Calls `function` and gives back the exception of `kind` that it must raise."""
    try:
        result = function()
    except kind as error:
        return error
    raise AssertionError(f"got {result!r}, wanted {kind.__name__}")


def _result(name, function, address):
    try:
        function(address)
        return {"case": name, "ok": True, "detail": ""}
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        places = ", ".join(f"{frame.name}:{frame.lineno}" for frame in frames[1:][-4:])
        return {"case": name, "ok": False, "detail": f"{type(error).__name__}: {error} ({places})"}


def main(version):
    """`--list`, or `host:port`: one line of JSON for each case, in the order of their names."""
    argument = sys.argv[2]
    if argument == "--list":
        print(json.dumps({"version": version, "cases": sorted(_CASES)}))
        return
    for name in sorted(_CASES):
        # On a line of its own, whatever a client has printed before.
        print(f"\n{json.dumps(_result(name, _CASES[name], argument))}", flush=True)
