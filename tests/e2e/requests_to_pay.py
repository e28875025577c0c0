"""Payment requests (NUT-18): made here, paid here, handed over or brought to the payee's own server, which may be down, slow
or unwilling."""
import http.server
import json
import threading

import lab
import tokens
from bad_input import Unchanged, not_started, refused
from bench import check, same, scenario

HERS = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"


class Payee:
    """A shop's server: keeps what it is brought, does with it what take says, and answers as it is told (a status, or None
    for no answer)."""

    def __init__(self, *answers, take=lambda payment: None):
        payee = self
        self.got, self.answers = [], list(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                payee.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                take(payee.got[-1])
                status = payee.answers.pop(0) if payee.answers else 200
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/paid"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def token_of(payment):
    return tokens.token_v3(payment["mint"], payment["unit"], payment["proofs"])


def pay(wallet, request, **params):
    return wallet.action("cashu_send", wait="park", request=request, **params)


@scenario("requests: made here, read there, paid by hand, and locked to the payee")
def by_hand(world):
    alice, bob = world.pair()
    alice.issue(1000)
    asked = bob.call("payment_request.create", amount=300, description="a bicycle bell", lock=True, single_use=True)
    same((asked["amount"], asked["unit"], asked["mints"]), (300, "sat", [world.proxy.url]), "the request")
    read = alice.call("payment_request.decode", request=asked["request"])
    same((read["id"], read["amount"], read["unit"], read["description"], read["single_use"], read["transports"]),
         (asked["id"], 300, "sat", "a bicycle bell", True, []), "as read")
    same(read["mints"], [{"url": world.proxy.url, "known": True, "trusted": True}], "its mints")
    same((read["lock"]["kind"], read["lock"]["data"]), ("P2PK", asked["public_key"]), "its lock")
    plan = alice.plan("cashu_send", request=asked["request"])
    same((plan["amount"], plan["lock"]["data"]), (300, asked["public_key"]), "plan")
    sent = pay(alice, asked["request"])
    same(sent["state"], "token_created", "a request without a way of delivery")
    token = sent["result"]["token"]
    carol = world.wallet("carol")
    refused(carol, "proof_locked", "action.start", field="token", kind="cashu_receive", params={"token": token})
    got = bob.receive_well(token)["result"]
    same(got["amount"] + got["fee"], 300, "what the payee has")


@scenario("requests: brought to the payee's server, at once or at last, and taken from there once")
def by_post(world):
    alice, bob = world.pair()
    alice.issue(1000)
    for n, answers in enumerate(((), (503,), (None,), (500, 429))):
        with Payee(*answers) as payee:
            asked = bob.call("payment_request.create", amount=40 + n, post=payee.url, id=f"order-{n}", lock=bool(n % 2))
            started = alice.action("cashu_send", wait="none", request=asked["request"], memo="thanks")

            def arrived(started=started):
                a = alice.get(started)
                if a["status"] in ("parked", "uncertain") and not a["result"]["delivered"]:
                    alice.wake(id=a["id"])
                return a["result"] and a["result"]["delivered"]
            lab.wait_until(arrived, "the payment arrives")
            same(len(payee.got), len(answers) + 1, "how often it was brought")
            same(payee.got[0], payee.got[-1], "the same payment each time")
            payment = payee.got[0]
            same((payment["id"], payment["mint"], payment["unit"], payment["memo"]),
                 (f"order-{n}", world.proxy.url, "sat", "thanks"), "the payment")
            same(alice.get(started)["result"]["deliveries"], len(answers) + 1, "how often, by the action")
            bob.receive_well(token_of(payment))
            alice.wake(id=started["id"])
            same(alice.get(started, wait="done")["status"], "done", "the payment, once it is taken")


@scenario("requests: the payee took it and its answer was lost: it is not brought again", mints="fee")
def taken_unheard(world):
    alice, bob = world.pair()
    alice.issue(1000)
    with Payee(None, take=lambda payment: bob.receive_well(token_of(payment))) as payee:
        asked = bob.call("payment_request.create", amount=40, post=payee.url)
        started = alice.action("cashu_send", wait="none", request=asked["request"])
        lab.wait_until(lambda: payee.got, "the payment arrives")
        alice.settle()
        alice.look_at_tokens()
        same(alice.get(started, wait="done")["status"], "done", "the payment")
        same(len(payee.got), 1, "how often it was brought")


@scenario("requests: the payee does not want it: the ecash can be taken back", mints="fee")
def unwanted(world):
    alice, bob = world.pair()
    alice.issue(1000)
    with Payee(400) as payee:
        asked = bob.call("payment_request.create", amount=40, post=payee.url)
        sent = pay(alice, asked["request"])
        same((sent["state"], sent["error"]["kind"], sent["result"]["delivered"]), ("token_created", "peer_rejected", False),
             "a payment that is refused")
        same(alice.cancel(sent)["status"], "cancelled", "the payment")
        same(len(payee.got), 1, "how often it was brought")


@scenario("requests: what cannot be made, and what cannot be paid", mints="fee")
def bad_requests(world):
    alice, bob = world.pair()
    alice.issue(100)
    nobody = world.wallet("nobody", trust=False)
    refused(nobody, "unknown_mint", "payment_request.create", field="mints", amount=1)
    refused(bob, "invalid_params", "payment_request.create", field="post", post="ftp://shop")
    refused(bob, "invalid_params", "payment_request.create", field="mints", mints=["nowhere"])
    refused(bob, "invalid_params", "payment_request.create", field="amount", amount=0)
    refused(alice, "bad_payment_request", "payment_request.decode", field="request", request="creqA")
    with Unchanged(alice):
        not_started(alice, "bad_payment_request", "cashu_send", "request", {"request": "creqAgarbage"})
        free = bob.call("payment_request.create")["request"]
        not_started(alice, "invalid_params", "cashu_send", "amount", {"request": free})
        fixed = bob.call("payment_request.create", amount=7)["request"]
        not_started(alice, "invalid_params", "cashu_send", "amount", {"request": fixed, "amount": 8}, says="is for 7")
        dollars = bob.call("payment_request.create", amount=7, unit="usd")["request"]
        not_started(alice, "wrong_unit", "cashu_send", "unit", {"request": dollars, "unit": "sat"})
        not_started(alice, "insufficient_funds", "cashu_send", "amount", {"request": dollars})
        other = bob.call("payment_request.create", amount=7, mints=["https://other.example"])["request"]
        not_started(alice, "unknown_mint", "cashu_send", "mint", {"request": other, "mint": world.proxy.url})
        not_started(alice, "insufficient_funds", "cashu_send", "amount", {"request": other}, says="that the request names")
        locked = bob.call("payment_request.create", amount=7, lock=True)["request"]
        not_started(alice, "invalid_params", "cashu_send", "request", {"request": locked, "lock_to": [HERS]})
    check(alice.send(9, request=free)["state"] == "token_created", "a request that leaves the amount open")
