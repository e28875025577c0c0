"""The real bitcoind as a test sees it: started, stopped, killed and started again; its chain moved about; its own
wallet mining and paying.

  node = real_bitcoind.Bitcoind(folder)       a node of its own port, folder and log; any number at once
  node.start(); node.ready()                  several may be started before the first is waited for
  node.prepare()                              its wallet has coins to pay with
  txid = node.pay(address, 50_000)            into the mempool
  node.mine()                                 ... and into a block
  node.reorg(6)                               the last six blocks are replaced by seven empty ones
  node.restart("-persistmempool=0")           the same chain, an empty mempool
  node.rpc.ask("getblockcount")               anything else (bitcoin_rpc.py)
  node.stop()                                 in peace
  node.kill()                                 as a power cut: what was not written down is lost

Other nodes than the usual one (regtest, all indexes):

  Bitcoind(folder, *PRUNED)                   then prune(height)
  Bitcoind(folder, network="signet")          of another network, with nothing but its genesis block
  Bitcoind(folder, user=("alice", "secret"))  rpcauth beside the cookie
  Bitcoind(folder, listen=True)               others can connect() to it

Amounts are satoshi, fee rates satoshi per virtual byte, hashes as shown to people."""
import collections
import hashlib
import hmac
import os
import shlex
import signal
import subprocess
import sys

import bitcoin_rpc
import lab
from bitcoin_rpc import btc, sat

BITCOIND = os.path.join(lab.ROOT, "tests", "peers", "bitcoind")
WALLET = "miner"
# Blocks are in files of a few each, and only those above the last 288 must stay.
PRUNED = ("-prune=1", "-fastprune", "-txindex=0")
PRUNED_KEEPS = 288
MATURITY = 100

Coin = collections.namedtuple("Coin", "txid vout sat script height coinbase")


def install():
    """The command that runs the node's program."""
    return shlex.split(lab.install(BITCOIND))


def cli():
    """The command that runs the bitcoin-cli beside it."""
    *loader, program = install()
    return [*loader, os.path.join(os.path.dirname(program), "bitcoin-cli")]


def rpcauth(user, password, salt="0123456789abcdef"):
    """The option's value for a user of the node."""
    return f"{user}:{salt}${hmac.new(salt.encode(), password.encode(), hashlib.sha256).hexdigest()}"


class Bitcoind:
    def __init__(self, folder, *options, network="regtest", listen=False, user=None):
        """options are bitcoind's own; user is a name and a password that may ask it, too."""
        self.folder, self.network = folder, network
        self.port = lab.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.p2p = f"127.0.0.1:{lab.free_port()}" if listen else None
        self.options = [*options, *(["-listen=1", "-bind=" + self.p2p] if listen else []),
                        *(["-rpcauth=" + rpcauth(*user)] if user else [])]
        self.cookie = os.path.join(folder, "" if network == "main" else network, ".cookie")
        self.rpc = bitcoin_rpc.Rpc(self.port, self.cookie)
        self.process = None
        os.makedirs(folder, exist_ok=True)

    # Its life.

    def start(self, *more):
        """more: options of this one life."""
        command = [sys.executable, BITCOIND, "start", "--port", str(self.port), "--dir", self.folder, "--network",
                   self.network, "--", *self.options, *more]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        preexec_fn=lab.end_with_parent)

    def ready(self):
        """Waits until it answers."""
        if self.process.stdout.readline().decode().strip() != self.url:
            raise RuntimeError("the node did not start; see " + os.path.join(self.folder, "bitcoind.log"))

    def end(self, how):
        if self.process:
            self.process.stdout.close()
            lab.end(self.process, how, within_s=60)
        self.process = None

    def stop(self):
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGQUIT)

    def restart(self, *more):
        """Stops and starts it on the same port, with a new cookie; with "-persistmempool=0" its mempool is empty."""
        self.stop()
        self.start(*more)
        self.ready()

    # What it has.

    def height(self):
        return self.rpc.ask("getblockcount")

    def tip(self):
        return self.rpc.ask("getbestblockhash")

    def hash_at(self, height):
        return self.rpc.ask("getblockhash", height)

    def pooled(self):
        """The txids in its mempool."""
        return set(self.rpc.ask("getrawmempool"))

    def raw(self, txid):
        """The transaction in hex, wherever it is."""
        return self.rpc.ask("getrawtransaction", txid)

    def block_of(self, txid):
        """The hash of the block of the active chain that it is in; None where it is in none."""
        try:
            found = self.rpc.ask("getrawtransaction", txid, True)
        except bitcoin_rpc.BitcoinError as why:
            if why.code != -5:
                raise
            return None
        return found["blockhash"] if found.get("confirmations") else None

    def coins(self, *owners):
        """What these addresses (or scripts in hex) have in the chain, mempool apart, by the node's own set of coins:
        what a ledger must agree with.  Sorted by block and outpoint."""
        wanted = [f"raw({o})" if all(c in "0123456789abcdef" for c in o) else f"addr({o})" for o in owners]
        found = self.rpc.ask("scantxoutset", "start", wanted)
        coins = [Coin(u["txid"], u["vout"], sat(u["amount"]), u["scriptPubKey"], u["height"], u["coinbase"])
                 for u in found["unspents"]]
        return sorted(coins, key=lambda c: (c.height, c.txid, c.vout))

    # Its wallet.

    @property
    def wallet(self):
        """Of JSON-RPC; made when it is first asked for."""
        if WALLET not in self.rpc.ask("listwallets"):
            self.rpc.ask("createwallet", WALLET, False, False, "", False, True, True)
        return self.rpc.of_wallet(WALLET)

    def address(self, kind="bech32m"):
        """A new one of its wallet: bech32m, bech32, p2sh-segwit or legacy."""
        return self.wallet.ask("getnewaddress", "", kind)

    def prepare(self, coins=10):
        """Its wallet gets so many coins that can be spent."""
        self.mine(MATURITY + coins)

    def send(self, raw):
        """Into its mempool; its wallet knows when this returns."""
        txid = self.rpc.ask("sendrawtransaction", raw)
        self.rpc.ask("syncwithvalidationinterfacequeue")
        return txid

    def inputs(self):
        """Its wallet's own confirmed coins, the biggest first, as an option of pay() wants them: which coins a payment
        spends decides what a reorg may part."""
        found = self.wallet.ask("listunspent", 1)
        return [{"txid": u["txid"], "vout": u["vout"]} for u in sorted(found, key=lambda u: -u["amount"])]

    def pay(self, address, amount, rate=2, **options):
        """Pays from its wallet; returns the txid.  options: those of the node's "send", such as inputs or locktime."""
        return self.pay_all([(address, amount)], rate, **options)

    def pay_all(self, payments, rate=2, **options):
        """The same for many (address, amount) at once, in this order.  It may be mined at any height: by itself the
        wallet would have it valid from the next block on, and a reorg would make it unfit for the mempool."""
        outputs = [{address: str(btc(amount))} for address, amount in payments]
        made = self.wallet.ask("send", outputs, None, "unset", rate, {"add_to_wallet": False, "locktime": 0, **options})
        return self.send(made["hex"])

    def conflict(self, txid, address=None, extra_fee=2_000):
        """A transaction, in hex and sent nowhere, that spends the same coins as one of its wallet's own, pays them all
        to the address (of its wallet's), and more as fee: send() replaces the other, mine(txs=[it]) does so for
        good."""
        spent = self.rpc.ask("decoderawtransaction", self.raw(txid))
        inputs = [{"txid": i["txid"], "vout": i["vout"], "sequence": 0xfffffffd} for i in spent["vin"]]
        came = sum(sat(self.rpc.ask("getrawtransaction", i["txid"], True)["vout"][i["vout"]]["value"]) for i in inputs)
        fee = came - sum(sat(o["value"]) for o in spent["vout"]) + extra_fee
        raw = self.rpc.ask("createrawtransaction", inputs, [{address or self.address(): str(btc(came - fee))}])
        return self.signed(raw)

    def signed(self, raw):
        """With its wallet's keys."""
        done = self.wallet.ask("signrawtransactionwithwallet", raw)
        if not done["complete"]:
            raise RuntimeError(f"the node's wallet can't sign: {done['errors']}")
        return done["hex"]

    # Its chain.

    def mine(self, blocks=1, address=None, txs=None):
        """Mines so many blocks to the address (a new one of its wallet's), and returns their hashes.  The mempool goes
        in, or just these: txids of the mempool, or transactions in hex, in an order that is valid.  All are in the
        first."""
        if txs is None:
            return self.rpc.ask("generatetoaddress", blocks, address or self.address())
        # To a new address each: a block that was invalidated can't be mined again.
        return [self.rpc.ask("generateblock", address or self.address(), list(txs) if n == 0 else [])["hash"]
                for n in range(blocks)]

    def invalidate(self, block):
        """This block and those after it are out of the chain.  Their transactions are in the mempool, but for those of
        all but the highest ten."""
        self.rpc.ask("invalidateblock", block)
        self.rpc.ask("syncwithvalidationinterfacequeue")

    def reconsider(self, block):
        """Takes that back: the longest chain wins again."""
        self.rpc.ask("reconsiderblock", block)
        self.rpc.ask("syncwithvalidationinterfacequeue")

    def rollback(self, depth):
        """The last blocks are gone, and nothing is in their place.  Returns the first of them, for reconsider()."""
        first = self.hash_at(self.height() - depth + 1)
        self.invalidate(first)
        return first

    def reorg(self, depth, txs=(), blocks=None):
        """The last blocks are replaced by so many others (one more), which hold just these transactions, in the first:
        as for mine().  What was in the old ones waits in the mempool.  Returns the first of the old ones."""
        first = self.rollback(depth)
        self.mine(depth + 1 if blocks is None else blocks, txs=txs)
        return first

    def prune(self, height):
        """Forgets blocks up to this height, as far as it may; returns that up to which it did."""
        return self.rpc.ask("pruneblockchain", height)

    def set_time(self, seconds):
        """Its clock stands still at this unix time; 0 lets it go."""
        self.rpc.ask("setmocktime", seconds)

    # Others.

    def connect(self, other):
        """To a node that listens.  What one has the other gets, of blocks and of transactions."""
        before = other.rpc.ask("getconnectioncount")
        self.rpc.ask("addnode", other.p2p, "onetry")
        lab.wait_until(lambda: other.rpc.ask("getconnectioncount") > before and
                       all(p["version"] for p in self.rpc.ask("getpeerinfo")), "the nodes to meet")

    def disconnect(self):
        """From all."""
        for one in self.rpc.ask("getpeerinfo"):
            self.rpc.ask("disconnectnode", "", one["id"])
        lab.wait_until(lambda: self.rpc.ask("getconnectioncount") == 0, "the nodes to part")

    def agree(self, other):
        """Waits until both have the same tip."""
        lab.wait_until(lambda: self.tip() == other.tip(), "the nodes to agree")
