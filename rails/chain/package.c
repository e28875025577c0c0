#include "rails/chain/package.h"

#include <assert.h>
#include <string.h>

#include "rails/chain/bitcoind_answer.h"
#include "rails/chain/broadcast.h"
#include "rails/chain/fields.h"

#define REPLACED_MAX 500 /* more than a node lets one package replace */

const char *package_class_name(enum package_class c)
{
	switch (c) {
	case PACKAGE_OK:
		return "OK";
	case PACKAGE_ALREADY_KNOWN:
		return "ALREADY_KNOWN";
	case PACKAGE_INPUTS_GONE:
		return "INPUTS_GONE";
	case PACKAGE_REPLACEMENT_TOO_LOW:
		return "REPLACEMENT_TOO_LOW";
	case PACKAGE_TOPOLOGY:
		return "TOPOLOGY";
	case PACKAGE_TRUC:
		return "TRUC";
	case PACKAGE_EPHEMERAL:
		return "EPHEMERAL";
	case PACKAGE_FEE_TOO_LOW:
		return "FEE_TOO_LOW";
	case PACKAGE_MAX_FEERATE:
		return "MAX_FEERATE";
	case PACKAGE_OTHER:
		return "OTHER";
	case PACKAGE_UNSUPPORTED:
		return "UNSUPPORTED";
	case PACKAGE_UNKNOWN:
		return "UNKNOWN";
	}
	return "unknown";
}

/* --- reading --- */

static int tx_fees_read(const json_t *v, struct package_tx *t, struct err *err)
{
	const json_t *fees;

	if (field_u64(v, "vsize", INT32_MAX, &t->vsize, err) != 0 || field_object(v, "fees", &fees, err) != 0 ||
	    field_btc(fees, "base", &t->fee, err) != 0)
		return -1;
	t->has_rate = !field_is_absent(fees, "effective-feerate");
	return t->has_rate ? field_btc_per_kvb(fees, "effective-feerate", &t->rate, err) : 0;
}

static int tx_read(const json_t *v, struct package_tx *t, struct err *err)
{
	const char *other;

	t->told = true;
	if (!field_is_absent(v, "error") && field_text(v, "error", JSONRPC_MESSAGE_MAX, &t->error, err) != 0)
		return -1;
	if (!field_is_absent(v, "other-wtxid")) {
		if (field_text(v, "other-wtxid", TXID_TEXT, &other, err) != 0 || !wtxid_parse(other, &t->other_wtxid))
			return REFUSE(err, "other-wtxid is no hash");
		t->has_other_wtxid = true;
	}
	return field_is_absent(v, "vsize") ? 0 : tx_fees_read(v, t, err);
}

static struct package_tx *tx_of(struct package_result *p, const struct txid *txid)
{
	for (size_t i = 0; i < p->n; i++)
		if (txid_equal(&p->txs[i].txid, txid))
			return &p->txs[i];
	return NULL;
}

static int results_read(const json_t *results, struct package_result *p, struct err *err)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)results, key, v)
	{
		struct package_tx *t;
		struct txid txid;

		if (field_txid(v, "txid", &txid, err) != 0)
			return -1;
		t = tx_of(p, &txid);
		if (t == NULL || t->told)
			return REFUSE(err, "a result for a transaction that was not given, or two for one");
		if (tx_read(v, t, err) != 0)
			return -1;
	}
	return 0;
}

static int replaced_read(struct arena *a, const json_t *v, struct package_result *p, struct err *err)
{
	const json_t *list;

	if (field_is_absent(v, "replaced-transactions"))
		return 0;
	if (field_list(v, "replaced-transactions", REPLACED_MAX, &list, err) != 0)
		return -1;
	p->n_replaced = json_array_size(list);
	if (!arena_room(a, (p->n_replaced + 1) * sizeof(*p->replaced)))
		return REFUSE(err, "no room for %zu replaced transactions", p->n_replaced);
	p->replaced = ARENA_ARRAY(a, p->n_replaced, struct txid);
	for (size_t i = 0; i < p->n_replaced; i++)
		if (value_txid(json_array_get(list, i), "replaced-transactions", &p->replaced[i], err) != 0)
			return -1;
	return 0;
}

/* --- judging --- */

static enum package_class of_broadcast(enum broadcast_class c)
{
	switch (c) {
	case BROADCAST_OK:
		return PACKAGE_ALREADY_KNOWN;
	case BROADCAST_INPUTS_GONE:
		return PACKAGE_INPUTS_GONE;
	case BROADCAST_CONFLICT:
		return PACKAGE_REPLACEMENT_TOO_LOW;
	case BROADCAST_FEE_TOO_LOW:
		return PACKAGE_FEE_TOO_LOW;
	case BROADCAST_TRUC:
		return PACKAGE_TRUC;
	case BROADCAST_EPHEMERAL:
		return PACKAGE_EPHEMERAL;
	case BROADCAST_MAXFEE:
		return PACKAGE_MAX_FEERATE;
	case BROADCAST_PREMATURE:
	case BROADCAST_POLICY:
	case BROADCAST_INVALID:
	case BROADCAST_BUG:
	case BROADCAST_OTHER:
		return PACKAGE_OTHER;
	case BROADCAST_WARMUP:
	case BROADCAST_UNKNOWN:
		break;
	}
	return PACKAGE_UNKNOWN;
}

/* The most that any of them asks for: the child's error counts the whole package. */
static void find_fee_wanted(struct package_result *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct sat wanted;

		if (broadcast_class_of_words(0, p->txs[i].error) != BROADCAST_FEE_TOO_LOW ||
		    !broadcast_fee_wanted(p->txs[i].error, &wanted))
			continue;
		if (!p->has_fee_wanted || sat_cmp(wanted, p->fee_wanted) > 0)
			p->fee_wanted = wanted;
		p->has_fee_wanted = true;
	}
}

static void judge_txs(struct package_result *p)
{
	bool known = false;

	p->class = PACKAGE_OTHER;
	for (size_t i = 0; i < p->n; i++) {
		enum broadcast_class c = broadcast_class_of_words(0, p->txs[i].error);

		if (p->txs[i].error[0] == '\0')
			continue;
		if (c == BROADCAST_OK) {
			known = true;
			continue;
		}
		p->class = of_broadcast(c);
		p->culprit = i;
		p->words = p->txs[i].error;
		break;
	}
	if (p->culprit == p->n && known)
		p->class = PACKAGE_ALREADY_KNOWN;
	if (p->class == PACKAGE_FEE_TOO_LOW)
		find_fee_wanted(p);
}

static void judge(struct package_result *p, const char *message)
{
	p->culprit = p->n;
	p->words = message;
	if (strcmp(message, "success") == 0)
		p->class = PACKAGE_OK;
	else if (strstr(message, "package RBF failed") != NULL)
		p->class = PACKAGE_REPLACEMENT_TOO_LOW;
	else if (strstr(message, "package-not-child-with-unconfirmed-parents") != NULL)
		p->class = PACKAGE_TOPOLOGY;
	else
		judge_txs(p);
}

static bool is_told(const struct package_result *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->txs[i].told || p->txs[i].error[0] != '\0')
			return false;
	return true;
}

static void start(struct package_result *p, const struct txid *txids, size_t n)
{
	assert(n >= 1 && n <= PACKAGE_MAX);
	memset(p, 0, sizeof(*p));
	p->n = p->culprit = n;
	for (size_t i = 0; i < n; i++)
		p->txs[i] = (struct package_tx){ .txid = txids[i], .error = "" };
}

void package_unknown(const struct txid *txids, size_t n, const char *words, struct package_result *ret)
{
	start(ret, txids, n);
	ret->class = PACKAGE_UNKNOWN;
	ret->words = words;
}

int package_read(struct arena *a, const json_t *v, const struct txid *txids, size_t n, struct package_result *ret,
		 struct err *err)
{
	const json_t *results;
	struct package_result p;
	const char *message;

	start(&p, txids, n);
	if (field_text(v, "package_msg", JSONRPC_MESSAGE_MAX, &message, err) != 0 ||
	    field_object(v, "tx-results", &results, err) != 0 || results_read(results, &p, err) != 0 ||
	    replaced_read(a, v, &p, err) != 0)
		return err_context(err, "submitpackage");
	judge(&p, message);
	if (p.class == PACKAGE_OK && !is_told(&p))
		return REFUSE(err, "submitpackage: a success without its transactions");
	*ret = p;
	return 0;
}

void package_refused(const struct txid *txids, size_t n, int64_t code, const char *words, struct package_result *ret)
{
	start(ret, txids, n);
	ret->class = code == BITCOIND_RPC_METHOD_NOT_FOUND ? PACKAGE_UNSUPPORTED
							   : of_broadcast(broadcast_class_of_words(code, words));
	ret->words = words;
}

int package_of_answer(struct arena *a, const struct jsonrpc_answer *answer, const struct txid *txids, size_t n,
		      struct package_result *ret, struct err *err)
{
	json_t *v;

	if (answer->flaw == JSONRPC_FINE && answer->result == NULL) {
		package_refused(txids, n, answer->error.code, answer->error.message, ret);
		return 0;
	}
	if (bitcoind_result(answer, &v, err) != 0)
		return err_context(err, "submitpackage");
	return package_read(a, v, txids, n, ret, err);
}

enum package_class package_class_join(enum package_class before, enum package_class now)
{
	if (before == PACKAGE_OK || now == PACKAGE_OK)
		return PACKAGE_OK;
	return before == PACKAGE_UNKNOWN ? PACKAGE_UNKNOWN : now;
}
