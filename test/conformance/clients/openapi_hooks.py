"""What schemathesis sends that no schema can put right: headers that must match the body."""

import schemathesis
from schemathesis.generation import GenerationMode

OF_THE_BODY = ("content-encoding", "inference-header-content-length")
TIMEOUT = "x-sluice-timeout-ms"


@schemathesis.hook
def before_call(context, case, kwargs):
    """A body that is meant to be taken is plain JSON; one that is not keeps what was made up."""
    if case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE:
        for name in [name for name in case.headers or {} if name.lower() in OF_THE_BODY]:
            del case.headers[name]
    # uWebSockets trims bytes above 127 at the ends of a value as it does spaces (decision 0002), so
    # that nothing is left of a value of nothing else: an empty one is as good as none.
    for name in [name for name in case.headers or {} if name.lower() == TIMEOUT]:
        value = case.headers[name]
        if isinstance(value, str) and not value.isascii():
            case.headers[name] = f"?{value}?"
