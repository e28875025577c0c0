/* A reply from an Esplora server, which may send anything: the first byte chooses who reads it, the second the HTTP status,
 * the rest is the body.  A reader answers with what it was asked for, or with an error of its contract. */
#include <stdlib.h>
#include <string.h>

#include "rails/chain/esplora_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* What is asked about, so that a mutant of the corpus gets past that check. */
static struct txid txid;
static struct block_hash hash;

static int read_hash(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct block_hash told;
	bool found;

	(void)a;
	return esplora_reply_hash(rep, &found, &told, err);
}

static int read_header(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct chain_header h;
	bool found, best;
	int rc = esplora_reply_header(a, rep, &hash, &found, &h, err);

	if (rc == 0 && found)
		must(block_hash_equal(&h.ref.hash, &hash) && h.time_s >= 0);
	return rc == 0 ? 0 : esplora_reply_header_status(a, rep, &found, &best, err);
}

static int read_tx(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct esplora_tx tx;
	bool found;
	int rc = esplora_reply_tx(a, rep, &txid, &found, &tx, err);

	if (rc != 0 || !found)
		return rc;
	must(sat_is_money(tx.fee) && tx.weight.v <= TX_WEIGHT_MAX);
	must(tx.status.place == CHAIN_MEMPOOL || tx.status.place == CHAIN_CONFIRMED);
	for (size_t i = 0; i < tx.n_outs; i++)
		must(sat_is_money(tx.outs[i].value));
	return 0;
}

static int read_raw_tx(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct txid told;
	struct tx tx;
	bool found;
	int rc = esplora_reply_raw_tx(a, rep, &txid, &found, &tx, err);

	if (rc == 0 && found) {
		told = tx_txid(&tx);
		must(txid_equal(&told, &txid));
	}
	return rc;
}

static int read_outspend(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct chain_spend s;
	int rc = esplora_reply_outspend(a, rep, &s, err);

	if (rc == 0)
		must(s.state >= CHAIN_UNSPENT && s.state <= CHAIN_SPENT_MINED);
	return rc;
}

static int read_script(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct chain_seen page[ESPLORA_PAGE_MAX];
	struct chain_script_stats st;
	size_t n;
	int rc = esplora_reply_history(a, rep, page, &n, err);

	if (rc == 0)
		must(n <= ESPLORA_PAGE_MAX);
	return rc == 0 ? 0 : esplora_reply_script(a, rep, &st, err);
}

static int read_fees(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct fee_estimates e;
	int rc = esplora_reply_fees(a, rep, &e, err);

	for (int t = 0; rc == 0 && t < FEE_TIERS; t++)
		must(!e.has[t] || feerate_sat_per_kwu(e.rate[t]) <= FEERATE_MAX);
	return rc;
}

static int read_send(struct arena *a, const struct net_reply *rep, struct err *err)
{
	enum broadcast_class c;
	const char *words;
	int rc = esplora_reply_send(a, rep, &txid, &c, &words, err);

	if (rc == 0)
		must(words != NULL && c >= BROADCAST_OK && c <= BROADCAST_UNKNOWN);
	return rc;
}

static int read_package(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct package_result p;
	int rc = esplora_reply_package(a, rep, &txid, 1, &p, err);
	bool takes;

	if (rc != 0)
		return rc;
	must(p.n == 1 && p.culprit <= 1 && p.words != NULL);
	return esplora_takes_packages(rep, &takes, err);
}

static int (*const readers[])(struct arena *a, const struct net_reply *rep, struct err *err) = {
	read_hash, read_header, read_tx, read_raw_tx, read_outspend, read_script, read_fees, read_send, read_package,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 200, 400, 404, 429, 502 };
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024 * 1024);
	struct net_reply rep = { .outcome = NET_ANSWERED, .content_type = "application/json" };
	SCOPED(buf) struct buf body = BUF_CAP(size + 1);
	struct err err;

	if (size < 2)
		return 0;
	must(txid_parse("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", &txid));
	must(block_hash_parse("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206", &hash));
	rep.status = statuses[data[1] % ARRAY_LEN(statuses)];
	buf_add(&body, data + 2, size - 2);
	(void)buf_text(&body); /* as base/net gives it: a NUL one past its end */
	rep.body = buf_bytes(&body);
	if (readers[data[0] % ARRAY_LEN(readers)](&a, &rep, &err) != 0)
		must(err.code == ERR_PEER_DOWN || err.code == ERR_PEER_BUSY || err.code == ERR_PEER_AUTH ||
		     err.code == ERR_PEER_INVALID || err.code == ERR_PEER);
	return 0;
}
