#include "rails/chain/esplora_reply.h"

#include <string.h>

#include "base/text.h"
#include "rails/chain/esplora_call.h"
#include "rails/chain/fields.h"

#define HTTP_OK          200
#define HTTP_BAD         400
#define HTTP_NOT_FOUND   404
#define HTTP_NOT_ALLOWED 405
#define WORDS_MAX        1024

static const struct json_rules rules = {
	.max_depth = 16, .max_values = 500000, .escaped_nul = true, .reals_as_text = true
};

/* --- did it answer? --- */

static int no_answer(const struct net_reply *rep, enum err_code code, const char *what, struct err *err)
{
	(void)ERR(err, code, "%s (HTTP %d)", what, rep->status);
	err->peer_code = rep->status;
	err->retry_after_s = rep->retry_after_s;
	return -1;
}

static bool is_page(const struct net_reply *rep)
{
	return rep->body.n > 0 && rep->body.p[0] == '<';
}

/* The server's words, fit for a log and a terminal. */
static const char *words_of(struct arena *a, const struct net_reply *rep)
{
	size_t n = rep->body.n < WORDS_MAX ? rep->body.n : WORDS_MAX;
	char *words = arena_strndup(a, n > 0 ? (const char *)rep->body.p : "", n);

	for (char *p = words; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = ' ';
	return words;
}

/* 200, 400 and 404 are answers. */
static int check(const struct net_reply *rep, struct err *err)
{
	if (rep->outcome != NET_ANSWERED)
		return ERR(err, ERR_PEER_DOWN, "%s", rep->detail);
	switch (rep->status) {
	case HTTP_OK:
	case HTTP_BAD:
	case HTTP_NOT_FOUND:
		break;
	case 401:
	case 403:
		return no_answer(rep, ERR_PEER_AUTH, "the server does not let us in", err);
	case 429:
	case 503:
		return no_answer(rep, ERR_PEER_BUSY, "the server has too much to do", err);
	default:
		return no_answer(rep, ERR_PEER_DOWN, "not the reply of an Esplora server", err);
	}
	/* Its words are text or JSON: a page is somebody else's, who knows of no transactions. */
	return is_page(rep) ? no_answer(rep, ERR_PEER_INVALID, "a page for people", err) : 0;
}

static int judge(const struct net_reply *rep, bool *found, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);

	if (check(rep, err) != 0)
		return -1;
	*found = rep->status != HTTP_NOT_FOUND;
	if (rep->status != HTTP_BAD)
		return 0;
	(void)ERR(err, ERR_PEER, "%s", words_of(&a, rep));
	err->peer_code = HTTP_BAD;
	return -1;
}

static int json_of(struct arena *a, const struct net_reply *rep, json_t **ret, struct err *err)
{
	if (json_parse_by(a, rep->body, &rules, ret, err) != 0)
		return REFUSE(err, "%s", err->msg);
	return 0;
}

static int object_of(struct arena *a, const struct net_reply *rep, bool *found, json_t **ret, struct err *err)
{
	if (judge(rep, found, err) != 0 || (*found && json_of(a, rep, ret, err) != 0))
		return -1;
	if (*found && !json_is_object(*ret))
		return REFUSE(err, "the reply is not an object");
	return 0;
}

/* Where there is always an answer. */
static int object_there(struct arena *a, const struct net_reply *rep, json_t **ret, struct err *err)
{
	bool found;

	if (object_of(a, rep, &found, ret, err) != 0)
		return -1;
	return found ? 0 : no_answer(rep, ERR_PEER_INVALID, "the server does not know this question", err);
}

/* The first line of a reply in plain text. */
static bool line_of(const struct net_reply *rep, char ret[TXID_TEXT])
{
	size_t n = rep->body.n;

	while (n > 0 && (rep->body.p[n - 1] == '\n' || rep->body.p[n - 1] == '\r'))
		n--;
	if (n + 1 != TXID_TEXT || memchr(rep->body.p, '\0', n) != NULL)
		return false;
	memcpy(ret, rep->body.p, n);
	ret[n] = '\0';
	return true;
}

/* --- blocks --- */

int esplora_reply_hash(const struct net_reply *rep, bool *found, struct block_hash *ret, struct err *err)
{
	char text[TXID_TEXT];

	if (judge(rep, found, err) != 0)
		return -1;
	if (*found && (!line_of(rep, text) || !block_hash_parse(text, ret)))
		return REFUSE(err, "the reply is no block's hash");
	return 0;
}

static int header_read(const json_t *v, const struct block_hash *asked, struct chain_header *h, struct err *err)
{
	if (field_hash(v, "id", &h->ref.hash, err) != 0 || field_u32(v, "height", &h->ref.height, err) != 0 ||
	    field_time(v, "timestamp", &h->time_s, err) != 0 ||
	    field_time(v, "mediantime", &h->median_time_s, err) != 0 ||
	    (h->ref.height > 0 && field_hash(v, "previousblockhash", &h->prev, err) != 0))
		return -1;
	return block_hash_equal(&h->ref.hash, asked) ? 0 : REFUSE(err, "of another block");
}

int esplora_reply_header(struct arena *a, const struct net_reply *rep, const struct block_hash *asked, bool *found,
			 struct chain_header *ret, struct err *err)
{
	struct chain_header h = { .time_s = 0 };
	json_t *v;

	if (object_of(a, rep, found, &v, err) != 0 || (*found && header_read(v, asked, &h, err) != 0))
		return err_context(err, "a block");
	if (*found)
		*ret = h;
	return 0;
}

int esplora_reply_header_status(struct arena *a, const struct net_reply *rep, bool *found, bool *in_best_chain,
				struct err *err)
{
	json_t *v;

	if (object_of(a, rep, found, &v, err) != 0 ||
	    (*found && field_bool(v, "in_best_chain", in_best_chain, err) != 0))
		return err_context(err, "a block's status");
	return 0;
}

int esplora_reply_block(struct arena *a, const struct net_reply *rep, bool *found, struct bytes *ret, struct err *err)
{
	if (judge(rep, found, err) != 0)
		return err_context(err, "a block's bytes");
	if (!*found)
		return 0;
	if (rep->body.n > ESPLORA_BLOCK_MAX || !arena_room(a, rep->body.n + 1))
		return REFUSE(err, "a block of %zu bytes", rep->body.n);
	*ret = arena_bytes(a, rep->body);
	return 0;
}

/* --- transactions and outputs --- */

static int status_read(const json_t *tx, struct chain_tx_status *ret, struct err *err)
{
	const json_t *v;
	bool confirmed;

	if (field_object(tx, "status", &v, err) != 0 || field_bool(v, "confirmed", &confirmed, err) != 0)
		return -1;
	*ret = (struct chain_tx_status){ .place = confirmed ? CHAIN_CONFIRMED : CHAIN_MEMPOOL };
	if (!confirmed)
		return 0;
	return field_u32(v, "block_height", &ret->block.height, err) != 0
		       ? -1
		       : field_hash(v, "block_hash", &ret->block.hash, err);
}

static int ins_read(struct arena *a, const json_t *v, struct esplora_tx *tx, struct err *err)
{
	const json_t *list;

	if (field_list(v, "vin", TX_SIZE_MAX / 40, &list, err) != 0)
		return -1;
	tx->n_spends = json_array_size(list);
	if (!arena_room(a, (tx->n_spends + 1) * sizeof(*tx->spends)))
		return REFUSE(err, "no room for %zu inputs", tx->n_spends);
	tx->spends = ARENA_ARRAY(a, tx->n_spends, struct txid);
	for (size_t i = 0; i < tx->n_spends; i++) {
		const json_t *in = json_array_get(list, i);

		tx->coinbase = tx->coinbase || json_is_true(json_object_get(in, "is_coinbase"));
		if (field_txid(in, "txid", &tx->spends[i], err) != 0)
			return -1;
	}
	return 0;
}

static int outs_read(struct arena *a, const json_t *v, struct esplora_tx *tx, struct err *err)
{
	const json_t *list;

	if (field_list(v, "vout", TX_SIZE_MAX / 9, &list, err) != 0)
		return -1;
	tx->n_outs = json_array_size(list);
	if (!arena_room(a, (tx->n_outs + 1) * sizeof(*tx->outs)))
		return REFUSE(err, "no room for %zu outputs", tx->n_outs);
	tx->outs = ARENA_ARRAY(a, tx->n_outs, struct tx_out);
	for (size_t i = 0; i < tx->n_outs; i++) {
		const json_t *out = json_array_get(list, i);

		if (field_sat(out, "value", &tx->outs[i].value, err) != 0 ||
		    field_hex(a, out, "scriptpubkey", TX_SIZE_MAX, &tx->outs[i].script, err) != 0)
			return -1;
	}
	return 0;
}

static int tx_read(struct arena *a, const json_t *v, const struct txid *asked, struct esplora_tx *tx, struct err *err)
{
	struct txid txid;

	if (field_txid(v, "txid", &txid, err) != 0 || status_read(v, &tx->status, err) != 0 ||
	    field_sat(v, "fee", &tx->fee, err) != 0 || field_u64(v, "weight", TX_WEIGHT_MAX, &tx->weight.v, err) != 0 ||
	    ins_read(a, v, tx, err) != 0 || outs_read(a, v, tx, err) != 0)
		return -1;
	return txid_equal(&txid, asked) ? 0 : REFUSE(err, "it is another one");
}

int esplora_reply_tx(struct arena *a, const struct net_reply *rep, const struct txid *asked, bool *found,
		     struct esplora_tx *ret, struct err *err)
{
	struct esplora_tx tx = { .coinbase = false };
	json_t *v;

	if (object_of(a, rep, found, &v, err) != 0 || (*found && tx_read(a, v, asked, &tx, err) != 0))
		return err_context(err, "a transaction");
	if (*found)
		*ret = tx;
	return 0;
}

int esplora_reply_raw_tx(struct arena *a, const struct net_reply *rep, const struct txid *asked, bool *found,
			 struct tx *ret, struct err *err)
{
	struct txid txid;
	struct tx tx;

	if (judge(rep, found, err) != 0)
		return err_context(err, "a transaction's bytes");
	if (!*found)
		return 0;
	if (tx_decode(a, rep->body, &tx, err) != 0)
		return REFUSE(err, "a transaction's bytes: %s", err->msg);
	txid = tx_txid(&tx);
	if (!txid_equal(&txid, asked))
		return REFUSE(err, "the bytes of another transaction");
	*ret = tx;
	return 0;
}

static int outspend_read(const json_t *v, struct chain_spend *s, struct err *err)
{
	struct chain_tx_status status;
	bool spent;

	if (field_bool(v, "spent", &spent, err) != 0)
		return -1;
	s->state = CHAIN_UNSPENT;
	if (!spent)
		return 0;
	if (field_txid(v, "txid", &s->spender, err) != 0 || status_read(v, &status, err) != 0)
		return -1;
	s->state = status.place == CHAIN_CONFIRMED ? CHAIN_SPENT_MINED : CHAIN_SPENT_MEMPOOL;
	s->block = status.block;
	return 0;
}

int esplora_reply_outspend(struct arena *a, const struct net_reply *rep, struct chain_spend *ret, struct err *err)
{
	struct chain_spend s = { .state = CHAIN_UNSPENT };
	bool found;
	json_t *v;

	/* Some servers know no outputs of what they do not know; no spend is known there either. */
	if (object_of(a, rep, &found, &v, err) != 0 || (found && outspend_read(v, &s, err) != 0))
		return err_context(err, "an output's spend");
	*ret = s;
	return 0;
}

/* --- scripts --- */

int esplora_reply_script(struct arena *a, const struct net_reply *rep, struct chain_script_stats *ret, struct err *err)
{
	const json_t *chain, *mempool;
	struct chain_script_stats s;
	json_t *v;

	if (object_there(a, rep, &v, err) != 0 || field_object(v, "chain_stats", &chain, err) != 0 ||
	    field_u64(chain, "tx_count", INT64_MAX, &s.confirmed, err) != 0 ||
	    field_object(v, "mempool_stats", &mempool, err) != 0 ||
	    field_u64(mempool, "tx_count", INT64_MAX, &s.mempool, err) != 0)
		return err_context(err, "a script");
	*ret = s;
	return 0;
}

int esplora_reply_history(struct arena *a, const struct net_reply *rep, struct chain_seen *ret, size_t *n,
			  struct err *err)
{
	bool found;
	json_t *v;

	if (judge(rep, &found, err) != 0 || (found && json_of(a, rep, &v, err) != 0))
		return err_context(err, "a script's history");
	if (!found || !json_is_array(v) || json_array_size(v) > ESPLORA_PAGE_MAX)
		return REFUSE(err, "a script's history is not a list of at most %d", ESPLORA_PAGE_MAX);
	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *tx = json_array_get(v, i);

		if (field_txid(tx, "txid", &ret[i].txid, err) != 0 || status_read(tx, &ret[i].status, err) != 0)
			return err_context(err, "a script's history");
	}
	*n = json_array_size(v);
	return 0;
}

/* --- fees and sending --- */

int esplora_reply_fees(struct arena *a, const struct net_reply *rep, struct fee_estimates *ret, struct err *err)
{
	struct fee_estimates e = { .has = { false } };
	json_t *v;

	if (object_there(a, rep, &v, err) != 0)
		return err_context(err, "fee estimates");
	for (int t = 0; t < FEE_TIERS; t++) {
		char target[8];

		(void)snprintf(target, sizeof(target), "%u", fee_targets[t]);
		e.has[t] = !field_is_absent(v, target);
		if (e.has[t] && value_sat_per_vb(json_object_get(v, target), "a fee estimate", &e.rate[t], err) != 0)
			return -1;
	}
	*ret = e;
	return 0;
}

int esplora_reply_send(struct arena *a, const struct net_reply *rep, const struct txid *ours, enum broadcast_class *ret,
		       const char **words, struct err *err)
{
	char text[TXID_TEXT];
	struct txid told;
	int64_t code;

	if (check(rep, err) != 0)
		return err_context(err, "sending");
	if (rep->status == HTTP_NOT_FOUND)
		return no_answer(rep, ERR_PEER_INVALID, "the server takes no transactions", err);
	*words = "";
	if (rep->status == HTTP_OK) {
		bool is_ours = line_of(rep, text) && txid_parse(text, &told) && txid_equal(&told, ours);

		*ret = is_ours ? BROADCAST_OK : BROADCAST_UNKNOWN;
		return 0;
	}
	broadcast_words(a, words_of(a, rep), &code, words);
	*ret = broadcast_class_of_words(code, *words);
	return 0;
}

int esplora_reply_package(struct arena *a, const struct net_reply *rep, const struct txid *txids, size_t n,
			  struct package_result *ret, struct err *err)
{
	const char *words;
	int64_t code;
	json_t *v;

	if (rep->outcome == NET_ANSWERED && (rep->status == HTTP_NOT_FOUND || rep->status == HTTP_NOT_ALLOWED)) {
		package_refused(txids, n, 0, "the server takes no packages", ret);
		ret->class = PACKAGE_UNSUPPORTED;
		return 0;
	}
	if (check(rep, err) != 0)
		return err_context(err, "sending a package");
	if (rep->status == HTTP_OK)
		return json_of(a, rep, &v, err) != 0 ? -1 : package_read(a, v, txids, n, ret, err);
	broadcast_words(a, words_of(a, rep), &code, &words);
	package_refused(txids, n, code, words, ret);
	return 0;
}

int esplora_takes_packages(const struct net_reply *rep, bool *ret, struct err *err)
{
	bool none = rep->outcome == NET_ANSWERED && (rep->status == HTTP_NOT_FOUND || rep->status == HTTP_NOT_ALLOWED);

	if (!none && check(rep, err) != 0)
		return err_context(err, "asking for packages");
	*ret = !none;
	return 0;
}
