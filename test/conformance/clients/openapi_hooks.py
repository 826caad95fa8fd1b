"""What schemathesis sends that no schema can put right: headers that must match the body."""

import schemathesis
from schemathesis.generation import GenerationMode

OF_THE_BODY = ("content-encoding", "inference-header-content-length")


@schemathesis.hook
def before_call(context, case, kwargs):
    """A body that is meant to be taken is plain JSON; one that is not keeps what was made up."""
    if case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE:
        for name in [name for name in case.headers or {} if name.lower() in OF_THE_BODY]:
            del case.headers[name]
