#include "exit/status.h"

#include <string.h>

static const char *const part_names[] = {
	[PART_VERIFY_INPUTS] = "verify-inputs",
	[PART_AWAITING_INPUTS] = "awaiting-input-confirmation",
	[PART_AWAITING_CPFP] = "awaiting-cpfp-broadcast",
	[PART_AWAITING_CONFIRMED] = "awaiting-confirmation",
	[PART_CONFIRMED] = "confirmed",
};

/* What clients of version 0.3.0 wrote. */
static const struct {
	const char *name;
	enum exit_part part;
} old_names[] = {
	{ "needs-signed-package", PART_AWAITING_CPFP },
	{ "needs-replacement-package", PART_AWAITING_CPFP },
	{ "needs-broadcasting", PART_AWAITING_CONFIRMED },
	{ "broadcast-with-cpfp", PART_AWAITING_CONFIRMED },
};

static const char *const origin_names[] = {
	[CHILD_WALLET] = "wallet",
	[CHILD_MEMPOOL] = "mempool",
	[CHILD_BLOCK] = "block",
	[CHILD_GIVEN] = "given",
};

const char *child_origin_name(enum child_origin o)
{
	return o >= CHILD_WALLET && o <= CHILD_GIVEN ? origin_names[o] : "unknown";
}

const char *exit_part_name(enum exit_part p)
{
	return p >= PART_VERIFY_INPUTS && p <= PART_CONFIRMED ? part_names[p] : "unknown";
}

/* --- comparing --- */

static bool payer_equal(const struct exit_payer *a, const struct exit_payer *b)
{
	if (a->exists != b->exists || a->confirmed != b->confirmed)
		return false;
	if (a->exists && (a->origin != b->origin || !txid_equal(&a->txid, &b->txid)))
		return false;
	return !a->confirmed || block_ref_equal(&a->block, &b->block);
}

static bool tx_equal(const struct exit_tx_status *a, const struct exit_tx_status *b)
{
	if (!txid_equal(&a->txid, &b->txid) || a->part != b->part)
		return false;
	switch (a->part) {
	case PART_VERIFY_INPUTS:
	case PART_AWAITING_CPFP:
		return true;
	case PART_AWAITING_INPUTS:
		return txid_equal(&a->waits_for, &b->waits_for);
	case PART_AWAITING_CONFIRMED:
		return payer_equal(&a->payer, &b->payer);
	case PART_CONFIRMED:
		return payer_equal(&a->payer, &b->payer) && block_ref_equal(&a->block, &b->block);
	}
	return false;
}

static bool txs_equal(const struct exit_status *a, const struct exit_status *b)
{
	if (a->n_txs != b->n_txs)
		return false;
	for (size_t i = 0; i < a->n_txs; i++)
		if (!tx_equal(&a->txs[i], &b->txs[i]))
			return false;
	return true;
}

bool exit_status_equal(const struct exit_status *a, const struct exit_status *b)
{
	if (a->state != b->state)
		return false;
	switch (a->state) {
	case EXIT_START:
	case EXIT_CANCELED:
		return true;
	case EXIT_PROCESSING:
		return txs_equal(a, b);
	case EXIT_AWAITING_DELTA:
		return block_ref_equal(&a->confirmed, &b->confirmed) && a->claimable_height == b->claimable_height &&
		       a->waits_for_cltv == b->waits_for_cltv;
	case EXIT_CLAIMABLE:
		return block_ref_equal(&a->confirmed, &b->confirmed) && block_ref_equal(&a->since, &b->since);
	case EXIT_CLAIM_IN_PROGRESS:
		return block_ref_equal(&a->confirmed, &b->confirmed) && block_ref_equal(&a->since, &b->since) &&
		       txid_equal(&a->spender, &b->spender);
	case EXIT_CLAIMED:
		return block_ref_equal(&a->spent_in, &b->spent_in) && txid_equal(&a->spender, &b->spender) &&
		       a->spent_by_us == b->spent_by_us;
	case EXIT_ALREADY_SPENT:
		return a->conflict == b->conflict;
	}
	return false;
}

/* --- asking --- */

bool exit_is_exited(enum exit_state s)
{
	return s >= EXIT_AWAITING_DELTA && s <= EXIT_CLAIMED;
}

bool exit_is_cancellable(const struct exit_status *s)
{
	enum exit_part last;

	if (s->state == EXIT_START || s->state == EXIT_CANCELED)
		return true;
	if (s->state != EXIT_PROCESSING || s->n_txs == 0)
		return false;
	last = s->txs[s->n_txs - 1].part;
	return last == PART_VERIFY_INPUTS || last == PART_AWAITING_INPUTS || last == PART_AWAITING_CPFP;
}

bool exit_claimable_height(const struct exit_status *s, uint32_t *ret)
{
	switch (s->state) {
	case EXIT_AWAITING_DELTA:
		*ret = s->claimable_height;
		return true;
	case EXIT_CLAIMABLE:
	case EXIT_CLAIM_IN_PROGRESS:
		*ret = s->since.height;
		return true;
	case EXIT_START:
	case EXIT_PROCESSING:
	case EXIT_CLAIMED:
	case EXIT_ALREADY_SPENT:
	case EXIT_CANCELED:
		break;
	}
	return false;
}

void exit_status_count(const struct exit_status *s, unsigned *ret_broadcast, unsigned *ret_confirmed)
{
	*ret_broadcast = *ret_confirmed = 0;
	for (size_t i = 0; i < s->n_txs; i++) {
		if (s->txs[i].part >= PART_AWAITING_CONFIRMED)
			++*ret_broadcast;
		if (s->txs[i].part == PART_CONFIRMED)
			++*ret_confirmed;
	}
}

/* --- writing --- */

static void set_txid(json_t *obj, const char *name, const struct txid *txid)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	json_set_str(obj, name, text);
}

static void set_block(struct arena *a, json_t *obj, const char *name, const struct block_ref *ref)
{
	json_t *v = json_object_in(a);
	char hash[TXID_TEXT];

	block_hash_text(&ref->hash, hash);
	json_set_int(v, "height", ref->height);
	json_set_str(v, "hash", hash);
	json_set(obj, name, v);
}

static void set_payer(struct arena *a, json_t *obj, const struct exit_payer *p)
{
	json_t *origin;

	if (!p->exists) {
		json_set_str(obj, "child_txid", NULL);
		json_set_str(obj, "origin", NULL);
		return;
	}
	origin = json_object_in(a);
	set_txid(obj, "child_txid", &p->txid);
	json_set_str(origin, "type", origin_names[p->origin]);
	if (p->confirmed)
		set_block(a, origin, "confirmed_in", &p->block);
	else if (p->origin == CHILD_WALLET)
		json_set_str(origin, "confirmed_in", NULL);
	json_set(obj, "origin", origin);
}

static json_t *tx_json(struct arena *a, const struct exit_tx_status *t)
{
	json_t *obj = json_object_in(a), *status = json_object_in(a), *list;
	char text[TXID_TEXT];

	set_txid(obj, "txid", &t->txid);
	json_set_str(status, "type", exit_part_name(t->part));
	switch (t->part) {
	case PART_VERIFY_INPUTS:
	case PART_AWAITING_CPFP:
		break;
	case PART_AWAITING_INPUTS:
		list = json_array_in(a);
		txid_text(&t->waits_for, text);
		json_add_take(list, json_string(text));
		json_set(status, "txids", list);
		break;
	case PART_CONFIRMED:
		set_block(a, status, "block", &t->block);
		set_payer(a, status, &t->payer);
		break;
	case PART_AWAITING_CONFIRMED:
		set_payer(a, status, &t->payer);
		break;
	}
	json_set(obj, "status", status);
	return obj;
}

json_t *exit_status_json(struct arena *a, const struct exit_status *s)
{
	json_t *obj = json_object_in(a), *list;

	json_set_str(obj, "type", exit_state_name(s->state));
	json_set_int(obj, "tip_height", s->tip_height);
	switch (s->state) {
	case EXIT_START:
	case EXIT_CANCELED:
		break;
	case EXIT_PROCESSING:
		list = json_array_in(a);
		for (size_t i = 0; i < s->n_txs; i++)
			json_add(list, tx_json(a, &s->txs[i]));
		json_set(obj, "transactions", list);
		break;
	case EXIT_AWAITING_DELTA:
		set_block(a, obj, "confirmed_block", &s->confirmed);
		json_set_int(obj, "claimable_height", s->claimable_height);
		json_set_str(obj, "wait_reason", s->waits_for_cltv ? "cltv" : "csv");
		break;
	case EXIT_CLAIMABLE:
		set_block(a, obj, "claimable_since", &s->since);
		json_set_str(obj, "last_scanned_block", NULL); /* the follower of the chain keeps this cursor */
		set_block(a, obj, "confirmed_block", &s->confirmed);
		break;
	case EXIT_CLAIM_IN_PROGRESS:
		set_block(a, obj, "claimable_since", &s->since);
		set_txid(obj, "claim_txid", &s->spender);
		set_block(a, obj, "confirmed_block", &s->confirmed);
		break;
	case EXIT_CLAIMED:
		set_txid(obj, "txid", &s->spender);
		set_block(a, obj, "block", &s->spent_in);
		json_set_str(obj, "claimed_by", s->spent_by_us ? "wallet" : "other");
		set_block(a, obj, "confirmed_block", &s->confirmed);
		break;
	case EXIT_ALREADY_SPENT:
		json_set_str(obj, "reason", s->conflict ? "onchain-conflict" : "offchain");
		break;
	}
	return obj;
}

const char *exit_status_text(struct arena *a, const struct exit_status *s)
{
	return json_text(a, exit_status_json(a, s));
}

/* --- reading --- */

static int get_txid(const json_t *obj, const char *name, struct txid *ret, struct err *err)
{
	const char *text;

	if (json_get_str(obj, name, TXID_TEXT - 1, &text, err) != 0)
		return -1;
	return txid_parse(text, ret) ? 0 : ERR(err, ERR_PARSE, "%s is no txid", name);
}

/* An object, or as a text of "height:hash". */
static int get_block(const json_t *obj, const char *name, struct block_ref *ret, struct err *err)
{
	const char *text;
	uint64_t height;
	json_t *v;

	if (json_is_string(json_object_get(obj, name))) {
		if (json_get_str(obj, name, BLOCK_REF_TEXT - 1, &text, err) != 0)
			return -1;
		return block_ref_parse(text, ret) ? 0 : ERR(err, ERR_PARSE, "%s is no block", name);
	}
	if (json_get_obj(obj, name, &v, err) != 0 || json_get_u64(v, "height", UINT32_MAX, &height, err) != 0 ||
	    json_get_str(v, "hash", TXID_TEXT - 1, &text, err) != 0)
		return -1;
	ret->height = (uint32_t)height;
	return block_hash_parse(text, &ret->hash) ? 0 : ERR(err, ERR_PARSE, "%s has no hash", name);
}

static int get_height(const json_t *obj, const char *name, uint32_t *ret, struct err *err)
{
	uint64_t height;

	if (json_get_u64(obj, name, UINT32_MAX, &height, err) != 0)
		return -1;
	*ret = (uint32_t)height;
	return 0;
}

static bool is_absent(const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	return !v || json_is_null(v);
}

static int parse_origin(const json_t *v, struct exit_payer *ret, struct err *err)
{
	const char *type;

	if (json_get_str(v, "type", 16, &type, err) != 0)
		return -1;
	for (unsigned o = CHILD_WALLET; o <= CHILD_BLOCK; o++)
		if (strcmp(type, origin_names[o]) == 0) {
			ret->origin = (enum child_origin)o;
			ret->confirmed = !is_absent(v, "confirmed_in");
			return ret->confirmed ? get_block(v, "confirmed_in", &ret->block, err) : 0;
		}
	return ERR(err, ERR_PARSE, "a child of unknown origin");
}

static int parse_payer(const json_t *status, struct exit_payer *ret, struct err *err)
{
	json_t *origin;

	ret->exists = !is_absent(status, "child_txid");
	if (!ret->exists)
		return 0;
	if (get_txid(status, "child_txid", &ret->txid, err) != 0 || json_get_obj(status, "origin", &origin, err) != 0)
		return -1;
	return parse_origin(origin, ret, err);
}

static int part_of(const char *name, enum exit_part *ret, struct err *err)
{
	for (unsigned p = PART_VERIFY_INPUTS; p <= PART_CONFIRMED; p++)
		if (strcmp(name, part_names[p]) == 0) {
			*ret = (enum exit_part)p;
			return 0;
		}
	for (size_t i = 0; i < ARRAY_LEN(old_names); i++)
		if (strcmp(name, old_names[i].name) == 0) {
			*ret = old_names[i].part;
			return 0;
		}
	return ERR(err, ERR_PARSE, "a transaction of an exit is in a state that nobody knows");
}

static int parse_waits(const json_t *status, struct txid *ret, struct err *err)
{
	const char *text;
	json_t *list;

	if (json_get_arr(status, "txids", 1, &list, err) != 0)
		return -1;
	text = json_string_value(json_array_get(list, 0));
	return text && txid_parse(text, ret) ? 0 : ERR(err, ERR_PARSE, "it waits for no transaction");
}

static int parse_tx(const json_t *obj, struct exit_tx_status *ret, struct err *err)
{
	json_t *status;
	const char *type;

	if (get_txid(obj, "txid", &ret->txid, err) != 0 || json_get_obj(obj, "status", &status, err) != 0 ||
	    json_get_str(status, "type", 64, &type, err) != 0 || part_of(type, &ret->part, err) != 0)
		return -1;
	switch (ret->part) {
	case PART_VERIFY_INPUTS:
	case PART_AWAITING_CPFP:
		return 0;
	case PART_AWAITING_INPUTS:
		return parse_waits(status, &ret->waits_for, err);
	case PART_AWAITING_CONFIRMED:
		return parse_payer(status, &ret->payer, err);
	case PART_CONFIRMED:
		return get_block(status, "block", &ret->block, err) != 0 ? -1 : parse_payer(status, &ret->payer, err);
	}
	return ERR(err, ERR_INTERNAL, "part %d", (int)ret->part);
}

static int parse_txs(struct arena *a, const json_t *obj, struct exit_status *ret, struct err *err)
{
	json_t *list;

	if (json_get_arr(obj, "transactions", EXIT_TXS_MAX, &list, err) != 0)
		return -1;
	ret->n_txs = json_array_size(list);
	ret->txs = ARENA_ARRAY(a, ret->n_txs, struct exit_tx_status);
	for (size_t i = 0; i < ret->n_txs; i++)
		if (parse_tx(json_array_get(list, i), &ret->txs[i], err) != 0)
			return err_context(err, "transaction %zu", i);
	return 0;
}

static int state_of(const char *name, enum exit_state *ret, struct err *err)
{
	for (unsigned s = EXIT_START; s <= EXIT_STATES; s++)
		if (strcmp(name, exit_state_name((enum exit_state)s)) == 0) {
			*ret = (enum exit_state)s;
			return 0;
		}
	return ERR(err, ERR_PARSE, "an exit is in a state that nobody knows");
}

/* The reference does not write it: then it is found again, by the first step. */
static int opt_confirmed(const json_t *obj, struct block_ref *ret, struct err *err)
{
	return is_absent(obj, "confirmed_block") ? 0 : get_block(obj, "confirmed_block", ret, err);
}

static int parse_delta(const json_t *obj, struct exit_status *ret, struct err *err)
{
	const char *why = "csv";

	if (get_block(obj, "confirmed_block", &ret->confirmed, err) != 0 ||
	    get_height(obj, "claimable_height", &ret->claimable_height, err) != 0 ||
	    json_opt_str(obj, "wait_reason", 8, &why, err) != 0)
		return -1;
	ret->waits_for_cltv = strcmp(why, "cltv") == 0;
	return 0;
}

static int parse_claimed(const json_t *obj, struct exit_status *ret, struct err *err)
{
	const char *by = "wallet";

	if (get_txid(obj, "txid", &ret->spender, err) != 0 || get_block(obj, "block", &ret->spent_in, err) != 0 ||
	    opt_confirmed(obj, &ret->confirmed, err) != 0 || json_opt_str(obj, "claimed_by", 8, &by, err) != 0)
		return -1;
	ret->spent_by_us = strcmp(by, "wallet") == 0;
	return 0;
}

static int parse_fields(struct arena *a, const json_t *obj, struct exit_status *ret, struct err *err)
{
	const char *reason = "offchain";

	switch (ret->state) {
	case EXIT_START:
	case EXIT_CANCELED:
		return 0;
	case EXIT_PROCESSING:
		return parse_txs(a, obj, ret, err);
	case EXIT_AWAITING_DELTA:
		return parse_delta(obj, ret, err);
	case EXIT_CLAIM_IN_PROGRESS:
		if (get_txid(obj, "claim_txid", &ret->spender, err) != 0)
			return -1;
		/* fall through */
	case EXIT_CLAIMABLE:
		if (get_block(obj, "claimable_since", &ret->since, err) != 0)
			return -1;
		return opt_confirmed(obj, &ret->confirmed, err);
	case EXIT_CLAIMED:
		return parse_claimed(obj, ret, err);
	case EXIT_ALREADY_SPENT:
		if (json_opt_str(obj, "reason", 32, &reason, err) != 0)
			return -1;
		ret->conflict = strcmp(reason, "onchain-conflict") == 0;
		return 0;
	}
	return ERR(err, ERR_INTERNAL, "state %d", (int)ret->state);
}

int exit_status_parse(struct arena *a, const char *text, struct exit_status *ret, struct err *err)
{
	struct exit_status s = { 0 };
	const char *type;
	json_t *obj;

	if (json_parse(a, bytes_of(text), JSON_DEPTH_MAX, &obj, err) != 0 ||
	    json_get_str(obj, "type", 32, &type, err) != 0 || state_of(type, &s.state, err) != 0 ||
	    get_height(obj, "tip_height", &s.tip_height, err) != 0 || parse_fields(a, obj, &s, err) != 0)
		return err_context(err, "the state of an exit");
	*ret = s;
	return 0;
}
