"""What the scripted ldk-server does with a call, beside what is in acts.py: what only gRPC and HTTP/2 know."""
from acts import Act


def status(code, words="", acting=False, in_trailers=False):
    """It says no in this way, whether or not it has acted."""
    return Act(acting, answer=lambda *_: {"error": {"code": code, "message": words, "in_trailers": in_trailers}})


def refused_stream(acting=False):
    """It says that it has not looked at the stream, which need not be so."""
    return Act(acting, send=lambda wire, _: wire.refuse())


def goaway(acting=False):
    return Act(acting, send=lambda wire, _: wire.goaway())


def reset_stream():
    """It acts, and takes the stream away."""
    return Act(send=lambda wire, _: wire.reset())


def without_trailers():
    """It acts, and the status that stands behind its answer never comes."""
    return Act(send=lambda wire, answer: wire.cut_short(answer))
