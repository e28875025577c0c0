"""The scripted ldk-server, tested itself: what it asks of a caller, how it says no, and what becomes of a splice.  Who calls here is
the curl program, which does by itself what walletd must not do."""
import time

import acts
import grpc_server
import ldk_acts
import ldk_rpc
import ldk_server_stub
from ldk_bench import check, same, test
from protobuf import field, fields, frame

UNKNOWN = "unknown"


def call(duo, method, message=b"", key=None, late_s=0, certificate=None):
    """(status, message or words): as curl understands it; UNKNOWN where the call had no end."""
    stub, body = duo.stub, frame(message)
    auth = ldk_rpc.signature(key or stub.key, body, int(time.time()) - late_s)
    try:
        return 0, ldk_rpc.exchange(stub.url, certificate or stub.certificate, method, body, auth)
    except ldk_rpc.LdkError as no:
        return no.status, no.words
    except ldk_rpc.NoAnswer as gone:
        return UNKNOWN, gone.code


def a_splice(duo, amount=50_000):
    return (field(1, str(ldk_server_stub.alias(duo.model))) + field(2, duo.model.peer.id) + field(3, duo.node.address()) +
            field(4, amount))


@test("ldk: who may call it, and how it says no")
def callers(duo):
    status, message = call(duo, "GetNodeInfo")
    best = fields(fields(message)[3])
    same((status, best[1].decode(), best[2], fields(message)[13]), (0, duo.node.tip(), duo.node.height(), 4), "the node")
    same(call(duo, "GetNodeInfo", key=bytes(32)), (16, "Invalid credentials"), "another key")
    same(call(duo, "GetNodeInfo", late_s=61)[0], 16, "a clock that is wrong")
    same(call(duo, "GetNodeInfo", late_s=50)[0], 0, "one that is not quite right")
    same(call(duo, "NoSuchThing")[0], 12, "no such method")
    other, _ = grpc_server.certificate(duo.stub.folder, "other")
    same(call(duo, "GetNodeInfo", certificate=other)[0], UNKNOWN, "another certificate")
    for in_trailers in (False, True):
        duo.stub.at("GetBalances", ldk_acts.status(13, "it broke", in_trailers=in_trailers))
        same(call(duo, "GetBalances"), (13, "it broke"), "an error")


@test("ldk: a splice is taken once, and comes to be when its time has come")
def splices(duo):
    duo.stub.surface_s = None
    same(call(duo, "SpliceOut", a_splice(duo, 700_000))[0], 9, "more than there is")
    duo.stub.at("SpliceOut", acts.lose_reply())
    same(call(duo, "SpliceOut", a_splice(duo))[0], UNKNOWN, "a reply that is lost")
    same((call(duo, "SpliceOut", a_splice(duo))[0], duo.submissions()), (9, 1), "a second one")
    same(duo.node.pooled(), set(), "transactions")
    duo.stub.surface()
    txid = next(iter(duo.node.pooled()))
    duo.mine(1)
    listed = fields(fields(call(duo, "ListChannels")[1])[1])
    same((fields(listed[3])[1].decode(), listed[13], listed[14]), (txid, 1, 1), "the channel")
    check(listed[6] < 950_000, "what the channel is worth")


@test("ldk: a stream that is refused is sent again by libcurl, which is why walletd must see to it")
def refused(duo):
    duo.stub.at("SpliceOut", ldk_acts.refused_stream(), times=None)
    same(call(duo, "SpliceOut", a_splice(duo))[0], UNKNOWN, "the outcome")
    check(duo.asked() > 1, f"it was sent {duo.asked()} times")
